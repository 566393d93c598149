"""A process that starts a child and waits for it. A test kills this process."""

import asyncio
import sys
from pathlib import Path

from services.local.process import Command, Process


async def main(log: Path) -> None:
    command = Command("child", [sys.executable, "-c", "import time; time.sleep(600)"])
    process = await Process.start(command, log)
    print(process.pid, flush=True)  # noqa: T201 - read by the test
    await process.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
