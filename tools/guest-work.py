"""work.py FILE: a bit of everything that Python does; what it prints is the same everywhere."""

import collections
import decimal
import fractions
import hashlib
import json
import math
import random
import re
import struct
import sys
import threading
import zlib

data = open(sys.argv[1], "rb").read()
text = data.decode("latin-1")

print("md5", hashlib.md5(data).hexdigest())
print("crc", zlib.crc32(data), zlib.adler32(data))
packed = zlib.compress(data, 9)
assert zlib.decompress(packed) == data
print("zlib", len(packed), hashlib.sha1(packed).hexdigest())

words = collections.Counter(re.findall(r"[A-Za-z_]\w+", text))
print("words", sorted(words.items(), key=lambda item: (-item[1], item[0]))[:20])
assert json.loads(json.dumps(words)) == words

print("factorial", hashlib.sha256(str(math.factorial(1500)).encode()).hexdigest())
print("power", pow(3, 10**60 + 7, 2**521 - 1))
print("fraction", sum(fractions.Fraction(1, n) for n in range(1, 300)))
decimal.getcontext().prec = 200
print("decimal", decimal.Decimal(2).sqrt(), decimal.Decimal(3).ln())

# IEEE 754 says what these are to the last bit.
generator = random.Random(12)
numbers = [generator.random() * 1000 - 500 for _ in range(50000)]
total = 0.0
for number in numbers:
    total += number * number / 3.0 + math.sqrt(abs(number))
print("double", total.hex(), math.fsum(numbers).hex())
print("sorted", hashlib.sha256(struct.pack("50000d", *sorted(numbers))).hexdigest())
# The mathematical library may round its last bit as the processor's instructions suggest.
print("libm", *(f"{f(1.2345):.12f}" for f in (math.sin, math.cos, math.exp, math.log, math.atan)))

sums = [0] * 4


def add_up(index):
    for number in range(index, 200000, 4):
        sums[index] += number * number


threads = [threading.Thread(target=add_up, args=(index,)) for index in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", sums)
