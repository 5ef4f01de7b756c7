"""Requirements of the manual that a short program on each board shows."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import pytest

from tests.emulator.hardware_runs import Start, printed, start

__all__ = ["start"]


class Case(NamedTuple):
    """The requirements, a program, and what it prints."""

    ids: str
    source: str
    lines: str


CASES = [
    Case("K04", """
        print(b'%d-%s' % (5, b'x'), b'%02x' % 10)
    """, "b'5-x' b'0a'"),
    Case("K06", """
        def g():
            yield 1
            raise StopIteration
        try:
            print(list(g()))
        except RuntimeError as e:
            print('RuntimeError', e)
    """, "RuntimeError generator raised StopIteration"),
    Case("K08 K28", """
        import math
        print(math.isclose(1, 1 + 1e-6, rel_tol=1e-5), math.isclose(1, 1.1),
              math.isclose(0, 1e-6, abs_tol=1e-5), math.isclose(100, 101, rel_tol=0.1))
    """, "True False True True"),
    Case("K121", """
        import time
        a = time.time_ns()
        time.sleep_ms(5)
        d = time.time_ns() - a
        print(4900000 < d < 5200000, a // 10 ** 9 == time.time())
    """, "True True"),
    Case("K124", """
        for text in ('async = 1', 'await = 1', 'def await(): pass'):
            try:
                exec(text)
            except SyntaxError as e:
                print(e)
    """, "invalid syntax\ninvalid syntax\ninvalid syntax"),
    Case("K148", """
        for i in range(3):
            try:
                1 // 0
            finally:
                print(i)
                continue
        print('end')
    """, "0\n1\n2\nend"),
    Case("K162", """
        import uasyncio
        async def main():
            await uasyncio.sleep_ms(1)
            return 'result'
        print(uasyncio.run(main()))
    """, "result"),
    Case("K164", """
        import uasyncio as a
        print(issubclass(a.CancelledError, BaseException), issubclass(a.CancelledError, Exception))
        async def f():
            try:
                await a.sleep(10)
            except Exception:
                print('not here')
        async def main():
            t = a.create_task(f())
            await a.sleep_ms(1)
            t.cancel()
            try:
                await t
            except a.CancelledError:
                print('cancelled')
        a.run(main())
    """, "True False\ncancelled"),
    Case("K174", """
        import math
        print(math.factorial(6))
        for x in (1.5, '3'):
            try:
                math.factorial(x)
            except TypeError:
                print('TypeError')
    """, "720\nTypeError\nTypeError"),
    Case("K185", """
        try:
            from . import x
        except ImportError as e:
            print('ImportError', e)
    """, "ImportError can't perform relative import"),
    Case("K119", """
        with open('lazy.py', 'w') as f:
            f.write("def __getattr__(name):\\n    if name == 'x':\\n        return 42\\n"
                    "    raise AttributeError(name)\\n")
        import lazy
        print(lazy.x)
        try:
            lazy.y
        except AttributeError as e:
            print(e)
    """, "42\ny"),
    Case("G17", """
        import random
        random.seed(5)
        a = [random.getrandbits(8) for i in range(50)]
        random.seed(5)
        print(a == [random.getrandbits(8) for i in range(50)], max(a) < 256, len(set(a)) > 20)
        r = range(200)
        print(all(0 <= random.randrange(7) < 7 for i in r), all(3 <= random.randint(3, 5) <= 5
              for i in r), all(random.randrange(2, 10, 4) in (2, 6) for i in r))
        print(all(0 <= random.random() < 1 for i in r), all(2 <= random.uniform(2, 4) <= 4
              for i in r), {random.choice('ab') for i in r} == {'a', 'b'})
        print({random.randint(1, 3) for i in r} == {1, 2, 3})
        for call in (lambda: random.randrange(0), lambda: random.getrandbits(33),
                     lambda: random.choice([])):
            try:
                call()
            except (ValueError, IndexError) as e:
                print(type(e).__name__)
    """, "True True True\nTrue True True\nTrue True True\nTrue\n"
         "ValueError\nValueError\nIndexError"),
    Case("G19 G20", r"""
        import re
        print(re.sub('(a)(b)', r'\2-\1', 'abxab'), re.sub('(a)', r'<\g<1>>', 'banana', 2))
        print(re.sub('a+', lambda m: str(len(m.group(0))), 'aaxaaa'))
        r = re.compile('([a-z]+)=([0-9]*)')
        m = r.match('key=15;')
        print(m.group(0), m.group(1), m.group(2), m.groups(), m.start(2), m.end(1), m.span())
        print(r.match(' key=1'), r.search(' key=1').group(1), re.compile('[ ,]').split('a b,c', 1))
    """, "b-axb-a b<a>n<a>na\n2x3\nkey=15 key 15 ('key', '15') 4 3 (0, 6)\n"
         "None key ['a', 'b,c']"),
    Case("G28", """
        import time
        print(time.gmtime(0), time.localtime(86400 * 366)[:3])
        t = (2024, 2, 29, 23, 59, 58, 3, 60)
        print(time.localtime(time.mktime(t)) == t, time.mktime((2000, 1, 1, 0, 0, 1, 0, 0)))
        now = time.time()
        time.sleep(2)
        print(time.time() - now, len(time.localtime()))
    """, "(2000, 1, 1, 0, 0, 0, 5, 1) (2001, 1, 1)\nTrue 1\n2 8"),
    Case("G34", """
        import uasyncio as a
        class F:
            coro = 7
            def __repr__(self):
                return 'F'
        async def fails():
            raise ValueError('oops')
        async def main():
            loop = a.get_event_loop()
            seen = []
            loop.set_exception_handler(lambda loop, context: seen.append(context))
            t = loop.create_task(fails())
            await a.sleep_ms(10)
            print(sorted(seen[0]), repr(seen[0]['exception']), seen[0]['future'] is t)
            print(loop.get_exception_handler() is not None)
            loop.set_exception_handler(None)
            loop.call_exception_handler({'message': 'm', 'exception': KeyError(1), 'future': F()})
            loop.stop()
        a.get_event_loop().run_until_complete(main())
        print('end')
    """, "['exception', 'future', 'message'] ValueError('oops',) True\nTrue\n"
         "m\nfuture: F coro= 7\nKeyError: 1\nend"),
    Case("G32", """
        import uasyncio as a
        log = []
        async def waiter(e, n):
            await e.wait()
            log.append(n)
        async def locked(l, n):
            async with l:
                log.append(n)
                await a.sleep_ms(1)
                log.append(n)
        async def main():
            e = a.Event()
            ts = [a.create_task(waiter(e, n)) for n in range(3)]
            await a.sleep_ms(1)
            log.append('set')
            e.set()
            await a.gather(*ts)
            print(log, e.is_set())
            log.clear()
            l = a.Lock()
            await a.gather(*[locked(l, n) for n in range(3)])
            print(log, l.locked())
            f = a.ThreadSafeFlag()
            t = a.create_task(f.wait())
            await a.sleep_ms(1)
            f.set()
            await t
            print('flag')
        a.run(main())
    """, "['set', 0, 1, 2] True\n[0, 0, 1, 1, 2, 2] False\nflag"),
    Case("G01", """
        from array import array
        for code, low, high in (('b', -128, 127), ('B', 0, 255), ('h', -32768, 32767),
                                ('H', 0, 65535), ('i', -2 ** 31, 2 ** 31 - 1),
                                ('I', 0, 2 ** 32 - 1),
                                ('l', -2 ** 31, 2 ** 31 - 1), ('L', 0, 2 ** 32 - 1),
                                ('q', -2 ** 63, 2 ** 63 - 1), ('Q', 0, 2 ** 64 - 1)):
            a = array(code, [low])
            a.append(high)
            a.extend(array(code, [1]))
            assert list(a) == [low, high, 1], code
        print(array('f', [0.5]), list(array('d', [1.5])), len(bytes(array('d', [1]))))
    """, "array('f', [0.5]) [1.5] 8"),
    Case("G26", """
        import struct
        print([struct.calcsize(f) for f in ('bhi', '<bhi', '>bhq', '@bq', '!hI', '3s')])
        data = struct.pack('>bBhHiIqQfd5s', -1, 255, -2, 65535, -3, 4, -5, 6, 1.5, 2.5, b'ab')
        print(struct.unpack('>bBhHiIqQfd5s', data))
        b = bytearray(6)
        struct.pack_into('<HI', b, 0, 258, 1)
        print(b, struct.unpack_from('<I', b, 2))
    """, "[8, 7, 11, 16, 6, 3]\n"
         "(-1, 255, -2, 65535, -3, 4, -5, 6, 1.5, 2.5, b'ab\\x00\\x00\\x00')\n"
         "bytearray(b'\\x02\\x01\\x01\\x00\\x00\\x00') (1,)"),
    Case("G03", """
        print((258).to_bytes(4, 'little'), (258).to_bytes(2, 'big'))
        print(int.from_bytes(b'\\x01\\x02', 'big'))
        try:
            (1).to_bytes(2, byteorder='little')
        except TypeError:
            print('by position only')
    """, "b'\\x02\\x01\\x00\\x00' b'\\x01\\x02'\n258\nby position only"),
    Case("J63", """
        import sys
        try:
            sys.stdin = None
            print(sys.stdin)
        except AttributeError as e:
            print(e)
    """, "'module' object has no attribute 'stdin'"),
    Case("J55", """
        import os
        print([name for name in ('environ', 'getenv', 'putenv') if hasattr(os, name)])
    """, "[]"),
    Case("C16", """
        import micropython
        def deeper(n):
            return micropython.stack_use() if n == 0 else deeper(n - 1)
        a, b, c = deeper(0), deeper(1), deeper(5)
        print(0 < a < b < c, c - b == 4 * (b - a))
    """, "True True"),
    Case("C18", """
        a = 'some_name'
        print('some_' + 'name' is a, hash('some_name') == hash(''.join(['some', '_name'])))
    """, "True True"),
    Case("C29", """
        x = 5
        print(eval('x + 1'), eval('y', {'y': 2}))
        exec('z = x * 2')
        print(z, compile('1+1', 'f', 'eval') is not None)
        try:
            eval('1 +')
        except SyntaxError as e:
            print(e)
    """, "6 2\n10 True\ninvalid syntax"),
    Case("C40", """
        import machine, micropython, time
        seen = []
        micropython.schedule(seen.append, 1)
        state = machine.disable_irq()
        micropython.schedule(seen.append, 2)
        machine.enable_irq(state)
        for i in range(3000): pass
        print(seen)
    """, "[1, 2]"),
    Case("C41", """
        import machine, time
        count = 0
        def bad(t):
            global count
            count += 1
            raise ValueError('in a callback')
        t = machine.Timer(-1)
        t.init(period=10, mode=machine.Timer.PERIODIC, callback=bad)
        time.sleep_ms(15)
        t.deinit()
        print('goes on', count)
    """, "Traceback (most recent call last):\n  File \"<stdin>\", line 6, in bad\n"
         "ValueError: in a callback\ngoes on 1"),
    Case("G12", """
        import io, sys
        s = io.BytesIO(b'abcdef')
        b = bytearray(4)
        print(s.read(2), s.readinto(b), b, s.read(), s.read(1))
        with open('t', 'w') as f:
            f.write('x')
            with open('t') as g:
                print(repr(g.read()), sys.stdout.write('') == 0)
    """, "b'ab' 4 bytearray(b'cdef') b'' b''\n'x' True"),
]


@pytest.mark.parametrize("board", ["pyboard", "pico"])
@pytest.mark.parametrize("case", [
    pytest.param(case, id=case.ids, marks=pytest.mark.spec(*case.ids.split())) for case in CASES
])
def test_requirement(case: Case, board: str, start: Start) -> None:
    source = textwrap.dedent(case.source).lstrip("\n")
    assert printed(start(board), source) == case.lines.split("\n")
