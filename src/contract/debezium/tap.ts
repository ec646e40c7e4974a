import { Malformed } from '../malformed.ts'
import { type Unchanged, unchanged } from '../values.ts'

/**
 * Reads Avro's binary form out of one record after another.
 *
 * Lengths are checked before bytes are taken. A number that runs over the end reads as zeros there, and `checkEnd` then
 * refuses the record: call it before believing anything that was read.
 */
export class Tap {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  private transactionBytes: Uint8Array = new Uint8Array(0)
  private transactionText = ''

  open(bytes: Buffer, at: number): void {
    this.bytes = bytes
    this.at = at
  }

  checkEnd(): void {
    if (this.at > this.bytes.length) throw new Malformed('the record is shorter than its schema')
  }

  /** Which branch of a union follows, out of `count`. */
  branch(count: number): number {
    const index = this.int()
    if (index < 0 || index >= count) throw new Malformed(`a union has no branch ${index}`)
    return index
  }

  boolean(): boolean {
    return this.bytes[this.at++] === 1
  }

  int(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let shift = 7
    do {
      byte = bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80 && shift < 35)
    if (byte >= 0x80) throw new Malformed('an int has more than five bytes')
    return (value >>> 1) ^ -(value & 1)
  }

  /** A number where that is exact, a bigint otherwise. */
  long(): number | bigint {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte & 1) === 0 ? byte >>> 1 : -((byte + 1) >>> 1)
    // 28 bits in `low`, 28 in `middle`, 8 in `high`.
    let low = byte & 0x7f
    let middle = 0
    let high = 0
    let shift = 7
    do {
      byte = bytes[this.at++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift < 56) middle |= bits << (shift - 28)
      else high |= bits << (shift - 56)
      shift += 7
    } while (byte >= 0x80 && shift < 70)
    if (byte >= 0x80 || high > 0xff) throw new Malformed('a long has more than 64 bits')
    if (high === 0 && middle < 0x2000000) {
      const value = middle * 0x10000000 + low
      return (low & 1) === 0 ? value / 2 : -(value + 1) / 2
    }
    const value = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low)
    return (value >> 1n) ^ -(value & 1n)
  }

  bigint(): bigint {
    return BigInt(this.long())
  }

  float(): number {
    const { at } = this
    this.at += 4
    this.checkEnd()
    return this.bytes.readFloatLE(at)
  }

  double(): number {
    const { at } = this
    this.at += 8
    this.checkEnd()
    return this.bytes.readDoubleLE(at)
  }

  /** Length of what follows, known to be there. */
  length(): number {
    const length = this.long()
    if (typeof length !== 'number' || length < 0 || length > this.bytes.length - this.at) {
      throw new Malformed(`a length of ${length} exceeds the record`)
    }
    return length
  }

  string(): string {
    return this.text(this.length())
  }

  /** A string, or `unchanged` where it is the placeholder. */
  stringOr(placeholder: Uint8Array): string | Unchanged {
    const length = this.length()
    if (length === placeholder.length && this.follows(placeholder)) {
      this.at += length
      return unchanged
    }
    return this.text(length)
  }

  blob(): Uint8Array {
    const length = this.length()
    const { at } = this
    this.at += length
    // A copy: a view would keep the whole fetched batch in memory.
    return new Uint8Array(this.bytes.subarray(at, at + length))
  }

  blobOr(placeholder: Uint8Array): Uint8Array | Unchanged {
    const start = this.at
    const length = this.length()
    if (length === placeholder.length && this.follows(placeholder)) {
      this.at += length
      return unchanged
    }
    this.at = start
    return this.blob()
  }

  /** Passes a string and says whether it was `expected`. */
  matches(expected: Uint8Array): boolean {
    const length = this.length()
    const same = length === expected.length && this.follows(expected)
    this.at += length
    return same
  }

  /** Passes a string and gives its first byte, 0 when it is empty. */
  letter(): number {
    const length = this.length()
    const { at } = this
    this.at += length
    return length === 0 ? 0 : this.bytes[at]!
  }

  /** The transaction's id: what stands before the colon. The LSN behind it differs from event to event. */
  transaction(): string {
    const length = this.length()
    const { bytes, at, transactionBytes } = this
    this.at += length
    if (transactionBytes.length > 0 && transactionBytes.length < length) {
      if (bytes[at + transactionBytes.length] === colon && this.follows(transactionBytes, at)) {
        return this.transactionText
      }
    }
    const end = bytes.indexOf(colon, at)
    const id = bytes.subarray(at, end < 0 || end > at + length ? at + length : end)
    this.transactionBytes = new Uint8Array(id)
    this.transactionText = id.toString('latin1')
    return this.transactionText
  }

  /** Opens the next block of an array or map: how many items, 0 at the end. */
  block(): number {
    let count = this.long()
    if (count < 0) {
      count = typeof count === 'number' ? -count : -1
      this.long()
    }
    if (typeof count !== 'number' || count < 0 || count > this.bytes.length - this.at) {
      throw new Malformed(`a block of ${count} items exceeds the record`)
    }
    return count
  }

  skipVarint(): void {
    const { bytes } = this
    while (bytes[this.at++]! >= 0x80);
  }

  skipBytes(): void {
    const length = this.length()
    this.at += length
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  private follows(expected: Uint8Array, at = this.at): boolean {
    const { bytes } = this
    for (let index = 0; index < expected.length; index++) if (bytes[at + index] !== expected[index]) return false
    return true
  }

  private text(length: number): string {
    const { bytes, at } = this
    const end = at + length
    this.at = end
    // Crossing into native code costs more than a short ASCII text does here.
    if (length < 12) {
      let text = ''
      for (let index = at; index < end; index++) {
        const byte = bytes[index]!
        if (byte > 0x7f) return bytes.toString('utf8', at, end)
        text += String.fromCharCode(byte)
      }
      return text
    }
    return bytes.toString('utf8', at, end)
  }
}

const colon = 0x3a
