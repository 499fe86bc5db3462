"""The words on a map: English in the code; `chinese` is what people read unless told otherwise."""

from collections.abc import Callable

__all__ = ["CHINESE", "Texts", "chinese", "english"]

Texts = Callable[[str], str]
"""Turns an English message into the reader's language; the message ``en`` stands for the language's own tag."""

CHINESE = {
    "en": "zh-CN",
    # areas
    "Townships": "镇街",
    "Villages": "村社",
    "Compounds": "小区/自然村",
    "Beats": "责任区",
    "Whole area": "全部",
    "Show by": "显示层级",
    "You are here": "当前位置",
    "Code": "代码",
    # the page
    "Map": "地图",
    "Legend": "图例",
    "Area details": "区域详情",
    "Close": "关闭",
    "Open the page of this area": "打开该区域页面",
    "Zoom in": "放大",
    "Zoom out": "缩小",
    "Layers": "图层",
    "Loading…": "正在加载…",
    "Could not load; try again.": "加载失败，请重试。",
    "The map needs JavaScript.": "地图需要启用 JavaScript。",
    "As of {date}": "数据截至 {date}",
    "Source: {source}": "来源：{source}",
    "As of": "数据截至",
    "Source": "来源",
    "Base map": "底图",  # for the service, which names its base map
    "Areas": "区域",
    # numbers
    "{count} people": "{count} 人",
    "1 : {load}": "{load} 人/员",
    "{officers} / {required} officers": "{officers} / {required} 人",
    "{count} officers": "{count} 人",
    "{count} items": "{count} 条",
    "{rate} per 1,000": "{rate} ‰",
    "{area} m²": "{area} 平方米",
    "No data": "无数据",
    "Uncovered": "未覆盖",
    "Uncovered (migrants, no officer)": "未覆盖（有流动人口、无专管员）",
    "Empty (no migrants)": "无流动人口",
    "up to {high}": "≤ {high}",
    "{low} to {high}": "{low}–{high}",
    "over {low}": "> {low}",
    "{range} (meets the standard)": "{range}（达标）",
    # coverage
    "Officers and migrants: load per officer": "专管员配备负荷",
    "Migrants per officer, standard 1 : {standard}": "人/专管员（标准 1 : {standard}）",
    "Load = registered migrants ÷ full-time officers on duty": "负荷 = 登记流动人口 ÷ 在岗专管员（折合全职）",
    "Load": "负荷",
    "Registered migrants": "登记流动人口",
    "Officers on duty / required": "在岗 / 应配专管员",
    "Short of": "缺额",
    "Coverage": "覆盖率",
    # hotspots
    "Rental hotspots": "出租房热点",
    "Hotspot classes (Getis-Ord Gi*)": "热点分级（Getis-Ord Gi*）",
    "Permutation test with false-discovery control, rates adjusted for small numbers": (
        "置换检验并控制错误发现率；比率已作小样本校正"
    ),
    "Hot, 99 %": "热点 99%",
    "Hot, 95 %": "热点 95%",
    "Hot, 90 %": "热点 90%",
    "Not significant": "不显著",
    "Cold, 90 %": "冷点 90%",
    "Cold, 95 %": "冷点 95%",
    "Cold, 99 %": "冷点 99%",
    "Rate": "比率",
    "Adjusted rate": "校正比率",
    "Gi* z-score": "Gi* z 值",
    "q-value": "q 值",
    "Class": "分级",
    "Heat layer": "热力图",
    # mismatches
    "Data mismatches": "数据不一致",
    "Mismatches per 1,000 records": "每千条登记的不一致数（‰）",
    "Rate = open mismatches ÷ records compared × 1,000": "比率 = 未销不一致条数 ÷ 比对登记条数 × 1,000",
    "Mismatches": "不一致条数",
    "Mismatch rate": "不一致率",
    "none": "无",
    "Missing registration": "漏登",
    "Should be registered": "应登未登",
    "Should be deregistered": "应销未销",
    "Person and dwelling differ": "人户不一致",
    "Registered twice": "重登",
    "Wrong address": "地址错误",
    "Details conflict": "属性冲突",
    "No rate (nobody registered)": "无法计算（无登记人口）",
    # the quarter
    "Quarterly reconciliation {quarter}": "季度对账 {quarter}",
    "Opened": "已开启",
    "Matched": "已比对",
    "Worked": "已办结",
    "Signed by both sides": "双方已签",
    "Closed for good": "已关账",
    "Overdue": "已逾期",
    "Not opened": "未开启",
    "State": "状态",
    "Settled": "已办结差异",
    "Share settled": "办结率",
    # beats
    "Beats and officers": "责任区与专管员",
    "Colours only tell neighbours apart": "颜色仅用于区分相邻责任区",
    "Beat with an officer": "有专管员",
    "Beat without an officer": "无专管员",
    "Officer": "专管员",
    "Nobody": "无人负责",
    "Addresses": "地址数",
    # findings
    "Topology findings": "拓扑问题",
    "Invalid outline": "图形无效",
    "Overlap of siblings": "同级重叠",
    "Gap between siblings": "同级缝隙",
    "Sliver of overlap": "微小重叠",
    "Sliver of a gap": "微小缝隙",
    "Sliver outside its parent": "微小越界",
    "Enclave of another parent": "飞地",
    "Hole": "空洞",
    "Tiny part": "碎部件",
    "Repeated vertex": "重复节点",
    "Outside its parent": "超出上级范围",
    "Several parts": "多部件",
    "Area of the finding": "问题面积",
    "Addresses touched": "涉及地址",
    # sheets
    "N": "北",
    "{count} km": "{count} 千米",
    "Main beat of the compound": "小区所属主要责任区",
    "Keeps its officer": "责任人不变",
    "Another officer": "更换责任人",
    "Another officer for a part": "部分更换责任人",
    "What changes": "调整范围",
    # address points
    "Address points": "地址点",
    "Assigned address": "已分配地址",
    "Unresolved address": "待处理地址",
    "{count} addresses": "{count} 个地址",
}
"""Every message of `maps`, in Chinese."""


def chinese(message: str) -> str:
    """
    Return the Chinese of a message.

    Raises
    ------
    KeyError
        When nobody has translated it: a map half in English is a mistake to find in a test, not on a wall.
    """
    return CHINESE[message]


def english(message: str) -> str:
    """Return the message, which is English already."""
    return message
