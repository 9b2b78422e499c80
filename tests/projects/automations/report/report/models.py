from __future__ import annotations

import datetime
from enum import Enum
from typing import Annotated

from pydantic import BaseModel, Field


class Status(Enum):
    PAID = "paid"
    OPEN = "open"


class Order(BaseModel):
    customer: str
    cents: Annotated[int, Field(gt=0)]
    status: Status = Status.OPEN
    at: datetime.date


class Orders(BaseModel):
    orders: list[Order]

    def paid(self) -> list[Order]:
        return [order for order in self.orders if order.status is Status.PAID]
