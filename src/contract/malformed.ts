/**
 * What is wrong with a file, schema or record, said by the code that found it. Whoever asked knows which one it was, and makes
 * an error of the table of it; nobody else sees this.
 */
export class Malformed extends Error {}
