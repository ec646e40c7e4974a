/**
 * ISO 8601 texts of dates and times, exact to the microsecond. One value has one text, and within the years 0000 to 9999 the
 * order of texts is the order of values: fractions always have six digits. Other years are signed and have six digits,
 * `+012345-01-01`, `-000043-03-15` (year 0 is 1 BC), as in JavaScript's own dates.
 */

const microsPerSecond = 1_000_000
const microsPerDay = 86_400_000_000

/** Days since 1970-01-01, proleptic Gregorian. */
export function isoDate(days: number): string {
  // Counting from March puts the leap day at the year's end; an era is 400 years.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const march = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1
  const month = march < 10 ? march + 3 : march - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${isoYear(year)}-${two[month]}-${two[day]}`
}

/** Microseconds since midnight; 24:00:00 is one, as in Postgres. */
export function isoTime(micros: number): string {
  const seconds = Math.floor(micros / microsPerSecond)
  const fraction = micros - seconds * microsPerSecond
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${two[hours]}:${two[minutes - hours * 60]}:${two[seconds - minutes * 60]}.${six(fraction)}`
}

/** Microseconds since 1970 of a timestamp without zone. */
export function isoTimestamp(micros: number | bigint): string {
  if (typeof micros === 'bigint') {
    const perDay = BigInt(microsPerDay)
    const rest = ((micros % perDay) + perDay) % perDay
    return `${isoDate(Number((micros - rest) / perDay))}T${isoTime(Number(rest))}`
  }
  const days = Math.floor(micros / microsPerDay)
  return `${isoDate(days)}T${isoTime(micros - days * microsPerDay)}`
}

/** The one text of an instant given as ISO 8601 in UTC (`Z`) with any number of fraction digits up to six. */
export function isoInstant(text: string): string {
  const end = text.length - 1
  if (end === 26 && text.charCodeAt(19) === dot) return text
  if (text.charCodeAt(end) !== zulu) return text
  const point = text.indexOf('.')
  const whole = point < 0 ? text.slice(0, end) : text.slice(0, point)
  const fraction = point < 0 ? '' : text.slice(point + 1, end)
  const day = whole.indexOf('T')
  const signed = /^([+-]?)(\d{4,6})(.*)$/.exec(whole.slice(0, day))
  if (signed === null) return text
  const date = `${isoYear(Number(`${signed[1]}${signed[2]}`))}${signed[3]}`
  return `${date}${whole.slice(day)}.${fraction.padEnd(6, '0')}Z`
}

/** An ISO 8601 duration without its zero parts, as Postgres writes it in the style `iso_8601`: `P1Y2M`, `PT0S`. */
export function isoInterval(text: string): string {
  const [date = '', time = ''] = text.slice(1).split('T')
  const parts = (of: string) => of.replace(zeroPart, '')
  const clock = parts(time)
  const short = `P${parts(date)}${clock === '' ? '' : `T${clock}`}`
  return short === 'P' ? 'PT0S' : short
}

/**
 * The text Postgres takes for a date or timestamp of any year, whatever its DateStyle: eras instead of signs. Years of our era
 * with four digits pass as they are.
 */
export function pgTemporal(iso: string): string {
  const first = iso.charCodeAt(0)
  const plain = first !== plus && first !== minus && !iso.startsWith('0000-')
  if (plain || iso === '-infinity') return iso
  const end = iso.indexOf('-', 1)
  const year = Number(iso.slice(0, end))
  const rest = iso.slice(end)
  return year > 0 ? `${String(year).padStart(4, '0')}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

const zeroPart = /(?<![\d.])-?0+(?:\.0*)?[YMDHS]/g
const [dot, zulu, plus, minus] = [0x2e, 0x5a, 0x2b, 0x2d]
const two = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))

function isoYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

function six(micros: number): string {
  return micros === 0 ? '000000' : String(micros).padStart(6, '0')
}
