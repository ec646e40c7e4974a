/** What a command's exit code says. Part of the public interface: scripts and CI read it. */
export const exit = {
  /** Done, or nothing to do. */
  done: 0,
  /** It did not work, or what was asked about is not well. */
  failed: 1,
  /** The words of the call are wrong; nothing was done. */
  usage: 2,
  /** `plan --detailed-exitcode`: there are changes. */
  changes: 3,
} as const

export const exitHelp = `
Exit codes: 0 done, 1 failed or not healthy, 2 wrong use, 3 changes (only plan --detailed-exitcode).`
