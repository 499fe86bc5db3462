"""Personal fields that several registers import: identity numbers and phones, their rules and their masks."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from gis_service.access.personal import mask_id_number, mask_name, mask_phone
from gis_service.intake.fields import Field, Form
from gis_service.texts import T
from layers.identity_numbers import are_identity_numbers

_PHONE = r"(?:1[3-9]\d{9}|0\d{2,3}\d{7,8}|\d{7,8}|400\d{7})"


def _settle_id_number(texts: pd.Series) -> pd.Series:
    return texts.str.normalize("NFKC").str.replace(r"\s+", "", regex=True).str.upper()


def _wrong_id_number(numbers: pd.Series) -> pd.Series:
    return ~are_identity_numbers(numbers, pd.Timestamp(datetime.now(UTC).replace(tzinfo=None)))


def _settle_phone(texts: pd.Series) -> pd.Series:
    plain = texts.str.normalize("NFKC").str.replace(r"[\s\-()·.]+", "", regex=True)
    return plain.str.replace(r"^(?:\+|00)?86(?=1\d{10}$)", "", regex=True)


def _wrong_phone(phones: pd.Series) -> pd.Series:
    return ~phones.str.fullmatch(_PHONE).fillna(value=False).astype(bool)


ID_NUMBER_FORM = Form(
    _settle_id_number,
    _wrong_id_number,
    T("This is not an identity number: the length, the birth date or the check digit is wrong."),
    T("Compare it with the card. In Excel, format the column as text first: Excel keeps only 15 digits of a number."),
)
PHONE_FORM = Form(
    _settle_phone,
    _wrong_phone,
    T("This is not a phone number."),
    T("Write a mobile number of 11 digits, or a landline with its area code."),
)


def id_number_field(name: str = "id_number", *, aliases: tuple[str, ...] = ()) -> Field:
    """Field for identity numbers."""
    known = ("身份证号", "身份证号码", "公民身份号码", "证件号码", "身份证")
    return Field(name, aliases=(*known, *aliases), form=ID_NUMBER_FORM, max_length=18, mask=mask_id_number)


def phone_field(
    name: str = "phone", *, aliases: tuple[str, ...] = ("手机号", "手机号码", "联系电话", "电话", "手机")
) -> Field:
    """Field for phones."""
    return Field(name, aliases=aliases, form=PHONE_FORM, max_length=20, mask=mask_phone)


def name_field(name: str = "name", *, aliases: tuple[str, ...] = ("姓名",), required: bool = True) -> Field:
    """Field for a person's name."""
    return Field(name, aliases=aliases, required=required, max_length=100, mask=mask_name)
