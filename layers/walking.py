"""The order in which to walk past places: a short open path, from where one stands or from anywhere."""

import numpy as np
import numpy.typing as npt
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

FloatArray = npt.NDArray[np.float64]

MOST_PLACES = 500
"""More than anybody walks in a day; beyond it the solver takes seconds."""

_DECIMETRES = 10


def walking_order(
    x_m: npt.ArrayLike, y_m: npt.ArrayLike, *, start_m: tuple[float, float] | None = None
) -> npt.NDArray[np.int64]:
    """
    Put places into the order of a short walk; it need not come back.

    Straight lines stand for lanes. The path is built by cheapest arcs and mended by local search until nothing nearby
    is shorter (OR-Tools routing, no time limit): the same places give the same walk.

    Parameters
    ----------
    x_m, y_m
        (n,) metric coordinates.
    start_m
        Where the walk begins; None: at whichever place is best.

    Returns
    -------
    numpy.ndarray
        (n,) positions in walking order.

    Raises
    ------
    ValueError
        When a coordinate is not finite or there are more than ``MOST_PLACES``.
    """
    places = np.column_stack([np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float)])
    if not np.isfinite(places).all():
        raise ValueError("a place to walk to has no point")
    if len(places) > MOST_PLACES:
        raise ValueError(f"{len(places)} places are more than {MOST_PLACES}")
    if len(places) < 2:
        return np.arange(len(places))
    legs = _legs_dm(places, start_m)
    depot = len(places)
    manager = pywrapcp.RoutingIndexManager(depot + 1, 1, depot)
    routing = pywrapcp.RoutingModel(manager)
    transit = routing.RegisterTransitMatrix(legs.tolist())
    routing.SetArcCostEvaluatorOfAllVehicles(transit)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    found = routing.SolveWithParameters(parameters)
    order = np.empty(len(places), dtype=np.int64)
    index = found.Value(routing.NextVar(routing.Start(0)))
    for step in range(len(places)):
        order[step] = manager.IndexToNode(index)
        index = found.Value(routing.NextVar(index))
    return order


def walk_length_m(
    x_m: npt.ArrayLike, y_m: npt.ArrayLike, order: npt.NDArray[np.int64], *, start_m: tuple[float, float] | None = None
) -> float:
    """Length of the walk in metres, from the start when there is one."""
    path = np.column_stack([np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float)])[order]
    if start_m is not None:
        path = np.vstack([np.asarray(start_m, dtype=float), path])
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _legs_dm(places: FloatArray, start_m: tuple[float, float] | None) -> npt.NDArray[np.int64]:
    """Decimetres from place to place; the last row and column are the depot: the start, and an end that is free."""
    count = len(places)
    legs = np.zeros((count + 1, count + 1))
    apart = places[:, None, :] - places[None, :, :]
    legs[:count, :count] = np.hypot(apart[..., 0], apart[..., 1])
    if start_m is not None:
        legs[count, :count] = np.hypot(*(places - np.asarray(start_m, dtype=float)).T)
    return np.rint(legs * _DECIMETRES).astype(np.int64)
