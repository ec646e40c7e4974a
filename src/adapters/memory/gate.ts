/**
 * What every call to an in-memory edge passes through. A test puts its own in to delay a call, to fail it before its effect or after,
 * or never to answer.
 */
export type Gate = <T>(call: string, effect: () => T) => Promise<T>

/** Lets every call through. */
export const openGate: Gate = async (_call, effect) => effect()
