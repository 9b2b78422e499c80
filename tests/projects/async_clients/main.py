"""An asynchronous client whose connections belong to the loop they were opened on."""

import asyncio

import httpx


async def gathered(url):
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(f"{url}/{n}") for n in range(3)))
        again = await client.get(f"{url}/again")
    return [answer.text for answer in (*answers, again)]


async def closed_by_hand(url):
    client = httpx.AsyncClient()
    texts = [(await client.get(f"{url}/{n}")).text for n in range(2)]
    await client.aclose()
    return texts


async def refused(url):
    async with httpx.AsyncClient() as client:
        try:
            await client.get("http://127.0.0.1:1/nobody")
        except httpx.ConnectError as error:
            return [type(error).__name__, (await client.get(f"{url}/after")).text]


def in_a_block(event):
    print(asyncio.run(gathered(event.data["url"])))


def by_hand(event):
    print(asyncio.run(closed_by_hand(event.data["url"])))


def after_an_error(event):
    print(asyncio.run(refused(event.data["url"])))
