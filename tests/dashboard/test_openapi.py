"""The description of the API has what the contracts and the catalogues have."""

from dashboard.limits_api import FIELDS as FIELDS_OF_LIMITS
from dashboard.openapi import document
from kafka_topic.signal_kinds import SIGNAL_KINDS
from kafka_topic.statistics import FIELDS


def test_every_field_and_every_kind_is_described():
    schemas = document()["components"]["schemas"]
    average, signal = schemas["MovingAverage"], schemas["Signal"]
    assert [*average["properties"]] == [*average["required"], *FIELDS]
    assert average["properties"]["window_end"]["pattern"].startswith("^")
    assert (
        average["description"].startswith("The statistics of one position")
        and "\n" not in average["description"]
    )
    assert [*schemas["LimitChange"]["properties"]] == ["symbols", *FIELDS_OF_LIMITS]
    assert "currency units" in average["properties"]["median"]["description"]
    assert average["properties"]["bollinger_lower"]["type"] == ["number", "null"]
    assert signal["properties"].keys() == set(signal["required"])
    assert signal["properties"]["kind"]["enum"] == [*SIGNAL_KINDS]
    assert {"high", "no_forecast"} <= set(signal["properties"]["event"]["enum"])
