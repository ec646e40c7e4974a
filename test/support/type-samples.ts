/** Every type that contracts cover, with values that a lossy path would bend: as SQL literals the type takes. */
export interface TypeSample {
  readonly type: string
  /** Typical, extreme and special values, without null. */
  readonly values: readonly string[]
  /** Contracts cover no arrays of this type. */
  readonly noArray?: true
  /** Values that Debezium 3.7 reads wrongly in a snapshot (through JDBC's calendar), and cannot be asked to read better. */
  readonly lostInSnapshots?: readonly string[]
  /** Values that it reads wrongly in arrays, or that stop it there. */
  readonly lostInArrays?: readonly string[]
  /** It stops at an array of this type that has a null in it. */
  readonly noNullInArrays?: true
}

export const enumSetup = `CREATE TYPE "Mood" AS ENUM ('sad', 'it''s ok', 'very, "happy"', 'NULL')`

export const typeSamples: readonly TypeSample[] = [
  { type: 'bool', values: ['t', 'f'] },
  { type: 'int2', values: ['7', '-32768', '32767', '0'] },
  { type: 'int4', values: ['42', '-2147483648', '2147483647', '0'] },
  {
    type: 'int8',
    values: ['42', '-9223372036854775808', '9223372036854775807', '9007199254740993', '-9007199254740993', '-1', '0'],
  },
  {
    type: 'float4',
    values: ['0.1', '1.5', '-3.4028235e38', '3.4028235e38', '1e-45', 'NaN', 'Infinity', '-Infinity', '-0'],
  },
  {
    type: 'float8',
    values: [
      '0.1',
      '-1.7976931348623157e308',
      '1.7976931348623157e308',
      '5e-324',
      'NaN',
      'Infinity',
      '-Infinity',
      '-0',
      '9007199254740993',
    ],
  },
  {
    type: 'numeric',
    values: [
      '1.50',
      '0',
      '-0.000000000000000000000000000000000001',
      '123456789012345678901234567890.123456789012345678901234567890',
      'NaN',
      'Infinity',
      '-Infinity',
      `1${'0'.repeat(400)}.${'0'.repeat(99)}1`,
    ],
    lostInArrays: ['NaN', 'Infinity', '-Infinity'],
  },
  { type: 'numeric(12,2)', values: ['19.90', '-9999999999.99', '9999999999.99', '0', 'NaN'], lostInArrays: ['NaN'] },
  { type: 'numeric(5,-2)', values: ['1234500', '-100'] },
  { type: 'numeric(3,5)', values: ['0.00999', '-0.00001'] },
  {
    type: 'text',
    values: [
      'plain',
      '',
      ' spaces ',
      'NULL',
      '{a,"b"}',
      "it's",
      'a\\b\nc\td',
      'zwölf € 漢字 👍 \u{1F468}\u200D\u{1F469}',
      'x'.repeat(300),
    ],
  },
  { type: 'varchar', values: ['plain', ''] },
  { type: 'varchar(20)', values: ['plain', '', 'ä'.repeat(20)] },
  { type: 'char(5)', values: ['ab', '', 'abcde', '漢'] },
  { type: 'bytea', values: ['\\x00ff10', '\\x', '\\x5c785c22', '\\xdeadbeef'] },
  {
    type: 'date',
    values: [
      '2024-02-29',
      '1970-01-01',
      '1969-12-31',
      '1582-10-10',
      '1000-03-01',
      '0001-01-01',
      '9999-12-31',
      '4713-11-24 BC',
      '0044-03-15 BC',
      '5874897-12-31',
      'infinity',
      '-infinity',
    ],
    lostInSnapshots: ['1582-10-10', '4713-11-24 BC', '0044-03-15 BC'],
    lostInArrays: ['1582-10-10', '4713-11-24 BC', '0044-03-15 BC'],
  },
  { type: 'time', noArray: true, values: ['13:14:15.123456', '00:00:00', '24:00:00', '23:59:59.999999', '10:00:00.1'] },
  { type: 'time(3)', noArray: true, values: ['13:14:15.123', '24:00:00'] },
  {
    type: 'timestamp',
    values: [
      '2024-02-29 13:14:15.123456',
      '2024-02-29 13:14:15',
      '1970-01-01 00:00:00',
      '1969-12-31 23:59:59.999999',
      '1900-01-01 00:00:00.000001',
      '0001-01-01 00:00:00',
      '9999-12-31 23:59:59.999999',
      '2300-01-01 00:00:00.000001',
      '4713-11-24 00:00:00 BC',
      '294246-12-31 23:59:59.999999',
      'infinity',
      '-infinity',
    ],
    lostInArrays: ['0001-01-01 00:00:00', '4713-11-24 00:00:00 BC'],
  },
  { type: 'timestamp(3)', values: ['2024-02-29 13:14:15.12', '2024-02-29 13:14:15.123'] },
  { type: 'timestamp(0)', values: ['2024-02-29 13:14:15'] },
  {
    type: 'timestamptz',
    values: [
      '2024-02-29 13:14:15.123456+02',
      '2024-02-29 13:14:15Z',
      '1970-01-01 00:00:00Z',
      '1969-12-31 23:59:59.999999Z',
      '1850-06-01 00:00:00.000001Z',
      '0001-01-01 00:00:00Z',
      '9999-12-31 23:59:59.999999Z',
      '4713-11-24 00:00:00Z BC',
      '294276-12-31 23:59:59.999999Z',
      'infinity',
      '-infinity',
    ],
    lostInArrays: ['4713-11-24 00:00:00Z BC'],
  },
  { type: 'timestamptz(3)', values: ['2024-02-29 13:14:15.12Z'] },
  {
    type: 'interval',
    noArray: true,
    values: [
      '1 year 2 mons 3 days 04:05:06.789',
      '0',
      '1 mon',
      '-1 year -2 mons +3 days -04:05:06.000001',
      '-0.000001 sec',
      '-0.5 sec',
      '178000000 years',
      '100 days',
      '999:59:59.999999',
      '2147483 hours',
    ],
  },
  { type: 'uuid', values: ['00000000-0000-0000-0000-000000000000', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'] },
  { type: 'json', values: ['{"b": 1.10,  "a": [1, null]}', '12345678901234567890.10', 'null', '"\\u00e4"'] },
  { type: 'jsonb', values: ['{"b": 1.10,  "a": [1, null]}', '12345678901234567890.10', 'null', '"\\u00e4"'] },
  { type: '"Mood"', noNullInArrays: true, values: ['sad', "it's ok", 'very, "happy"', 'NULL'] },
]
