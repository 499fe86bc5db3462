"""Pages of a grid index: what is written about a cell that edges meet, or that lies in several areas."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled_without_allocation
from layers._edges import Edges, IntArray
from layers._orientation import side_of_shifted

RecordArray = npt.NDArray[Any]  # numba reads the fields of a record as attributes, for which there are no types

PAGE = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("inside", "u8"),  # areas that hold the centre, as bits
        ("edge_start", "i4"),
        ("edge_end", "i4"),
        ("area_start", "i4"),  # the area of bit 0
        ("next_page", "i4"),  # with the cell's areas beyond the 64 of this one; -1 when there is none
    ]
)
PAGE_EDGE = np.dtype([("ax", "f8"), ("ay", "f8"), ("bx", "f8"), ("by", "f8"), ("bounds", "u8")])
WORD = 64

Point = tuple[float, float]


class Book(NamedTuple):
    """Pages with their edges and areas: how many of each are written (3,), and where the room ends (3,)."""

    pages: RecordArray
    edges: RecordArray
    areas: IntArray
    written: IntArray
    end: IntArray


def empty_book(room: IntArray) -> Book:
    """A book with room (3,) for so many pages, edges and areas; what is never written takes no memory."""
    pages, edges, areas = room
    written = np.zeros(3, np.int32)
    return Book(np.empty(pages, PAGE), np.empty(edges, PAGE_EDGE), np.empty(areas, np.int32), written, room)


def thicker_book(book: Book, room: IntArray) -> Book:
    """The book, or a copy where it has not so much room (3,)."""
    if (room <= book.end).all():
        return book
    longer = empty_book(np.maximum(2 * book.end, room))
    for old, new, written in zip(book[:3], longer[:3], book.written, strict=True):
        new[:written] = old[:written]
    return longer._replace(written=book.written)


@compiled_without_allocation
def write_pages(
    book: Book, edges: Edges, met: IntArray, centre: Point, here: IntArray, local: IntArray, row_of_number: IntArray
) -> bool:
    """Write the page of a cell, or several when it concerns more than 64 areas; False when the book lacks room.

    ``met`` are the edges that meet the cell, ``here`` the areas that hold its centre, ``local`` room for the numbers of
    all areas.
    """
    count = _local_areas(edges, met, here, local)
    n_pages, n_edges, n_areas = book.written[0], book.written[1], book.written[2]
    words = max(1, (count + WORD - 1) // WORD)
    if n_pages + words > book.end[0] or n_edges + words * len(met) > book.end[1] or n_areas + count > book.end[2]:
        return False
    for word in range(words):
        numbers = local[word * WORD : min((word + 1) * WORD, count)]
        page = book.pages[n_pages]
        page.x, page.y = centre
        page.inside = _bits(here, numbers)
        page.area_start, page.edge_start = n_areas, n_edges
        n_edges = _write_edges(book.edges, n_edges, edges, met, centre, numbers)
        page.edge_end = n_edges
        page.next_page = n_pages + 1 if word + 1 < words else -1
        for number in numbers:
            book.areas[n_areas] = row_of_number[number]
            n_areas += 1
        n_pages += 1
    book.written[0], book.written[1], book.written[2] = n_pages, n_edges, n_areas
    return True


@compiled_without_allocation
def _write_edges(
    page_edges: RecordArray, n_edges: int, edges: Edges, met: IntArray, centre: Point, numbers: IntArray
) -> int:
    """Write the edges that bound any of ``numbers``, each directed so that the cell's centre lies on its left."""
    for edge in met:
        bounds = _bits(edges.areas[edges.area_offsets[edge] : edges.area_offsets[edge + 1]], numbers)
        if bounds == np.uint64(0):
            continue
        ax, ay, bx, by = edges.ends[edge, 0], edges.ends[edge, 1], edges.ends[edge, 2], edges.ends[edge, 3]
        if side_of_shifted(ax, ay, bx, by, centre[0], centre[1]) < 0:
            ax, ay, bx, by = bx, by, ax, ay
        written = page_edges[n_edges]
        written.ax, written.ay, written.bx, written.by, written.bounds = ax, ay, bx, by, bounds
        n_edges += 1
    return n_edges


@compiled_without_allocation
def _local_areas(edges: Edges, met: IntArray, here: IntArray, local: IntArray) -> int:
    """Write the areas concerned by a cell into ``local``, ascending, each once; return how many."""
    count = 0
    for number in here:
        count = _insert(local, count, number)
    for edge in met:
        for k in range(edges.area_offsets[edge], edges.area_offsets[edge + 1]):
            count = _insert(local, count, edges.areas[k])
    return count


@compiled_without_allocation
def _insert(local: IntArray, count: int, number: int) -> int:
    place = count
    while place > 0 and local[place - 1] >= number:
        place -= 1
    if place < count and local[place] == number:
        return count
    for k in range(count, place, -1):
        local[k] = local[k - 1]
    local[place] = number
    return count + 1


@compiled_without_allocation
def _bits(chosen: IntArray, numbers: IntArray) -> np.uint64:
    """The set ``chosen`` as bits over the ascending ``numbers``; what is not among them is left out."""
    bits = np.uint64(0)
    for number in chosen:
        for bit in range(len(numbers)):
            if numbers[bit] == number:
                bits |= np.uint64(1) << np.uint64(bit)
                break
    return bits
