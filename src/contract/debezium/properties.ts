/**
 * Connector properties that the decoder rests on: with other values it would read something else than the source holds.
 * `unavailable.value.placeholder` belongs to them too; its value is the source's own.
 */
export const decoderProperties = {
  // The only mode that keeps NaN, the infinities and trailing zeros of numeric.
  'decimal.handling.mode': 'string',
  // Keeps 24:00:00 and every microsecond; ISO strings fold 24:00:00 into midnight.
  'time.precision.mode': 'microseconds',
  // The numeric mode turns months into an average number of days.
  'interval.handling.mode': 'string',
  'binary.handling.mode': 'bytes',
  'hstore.handling.mode': 'json',
  'include.unknown.datatypes': 'false',
  'schema.name.adjustment.mode': 'avro',
  'field.name.adjustment.mode': 'avro',
  // The default writes null for a value that it fails to convert, and a warning.
  'event.converting.failure.handling.mode': 'fail',
  'event.processing.failure.handling.mode': 'fail',
  'provide.transaction.metadata': 'true',
  'skipped.operations': 'none',
  'tombstones.on.delete': 'false',
} as const satisfies Readonly<Record<string, string>>
