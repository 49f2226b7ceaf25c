/** The slots of a Redis Cluster: which of its nodes a key is on. */

const SLOTS = 16_384;

/** As Redis computes it, 0 to 16,383: over the first `{tag}` alone, where the key has one that is not empty. */
export function clusterSlot(key: string): number {
  const start = key.indexOf("{");
  const end = start === -1 ? -1 : key.indexOf("}", start + 1);
  return crc16(Buffer.from(end > start + 1 ? key.slice(start + 1, end) : key)) % SLOTS;
}

let numbers: number[] | undefined;

/** The least number from 0 up that has the slot when it is written in decimal. */
export function numberInSlot(slot: number): number {
  numbers ??= leastNumbers();
  return numbers[slot] as number;
}

function leastNumbers(): number[] {
  const found: number[] = Array(SLOTS);
  for (let number = 0, missing = SLOTS; missing > 0; number += 1) {
    const slot = clusterSlot(String(number));
    if (found[slot] !== undefined) continue;
    found[slot] = number;
    missing -= 1;
  }
  return found;
}

/** CRC-16/XMODEM, as the Redis Cluster specification names it. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc;
}
