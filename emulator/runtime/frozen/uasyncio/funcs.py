"""wait_for and gather."""

from . import core


async def wait_for(awaitable, timeout, sleep=core.sleep):
    task = core.as_task(awaitable)
    if timeout is None:
        return await task
    caller = core.cur_task
    outcome = None  # None while both wait, then (error or None, result)

    async def watch():
        nonlocal outcome
        try:
            found = None, await task
        except BaseException as error:
            found = error, None
        if outcome is None:
            outcome = found
            caller.cancel()

    watcher = core.create_task(watch())
    try:
        await sleep(timeout)
    except core.CancelledError as error:
        if outcome is None:
            # Somebody else cancelled the caller.
            outcome = error, None
            watcher.cancel()
            raise error
        failure, result = outcome
        if failure is not None:
            raise failure
        return result
    outcome = None, None
    watcher.cancel()
    await watcher
    raise core.TimeoutError


def wait_for_ms(awaitable, timeout):
    return wait_for(awaitable, timeout, core.sleep_ms)


async def gather(*awaitables, return_exceptions=False):
    tasks = [core.as_task(one) for one in awaitables]
    results = []
    for task in tasks:
        try:
            results.append(await task)
        except Exception as error:
            if not return_exceptions:
                raise error
            results.append(error)
    return results
