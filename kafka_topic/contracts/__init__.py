"""The records and their JSON form: one UTF-8 object per record, with the symbol as the record's key.

Times are UTC with milliseconds, written "2026-11-22 01:02:03.004". Readers check the fields named here and
ignore others: records may gain fields, and no field is renamed.
"""

from kafka_topic.contracts.census import CensusValue
from kafka_topic.contracts.dead_letter import REASONS, DeadLetter
from kafka_topic.contracts.fields import format_time, parse_time
from kafka_topic.contracts.limits import Limits
from kafka_topic.contracts.measurement import Measurement
from kafka_topic.contracts.moving_average import MovingAverage
from kafka_topic.contracts.price import Price
from kafka_topic.contracts.signal import SIDES, Signal

__all__ = [
    "REASONS",
    "SIDES",
    "CensusValue",
    "DeadLetter",
    "Limits",
    "Measurement",
    "MovingAverage",
    "Price",
    "Signal",
    "format_time",
    "parse_time",
]
