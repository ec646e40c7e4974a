import type { Gate } from '../../src/adapters/memory/gate.ts'
import { fault } from '../../src/errors.ts'
import type { SimRandom } from './sim-random.ts'

interface Call {
  readonly worker: string
  readonly name: string
  readonly finish: (outcome: Outcome) => void
}

type Outcome = 'done' | 'failed before' | 'failed after'

/**
 * Holds every call to the edges until chance lets it through, in any order, with or without its effect, with or without an answer. The
 * calls of a dead worker are never answered.
 */
export class SimWorld {
  readonly #random: SimRandom
  #calls: Call[] = []
  #later: (() => void)[] = []
  readonly #dead = new Set<string>()
  /** How likely a call fails. */
  faults = 0
  readonly trace: string[] = []

  constructor(random: SimRandom) {
    this.#random = random
  }

  gate(worker: string): Gate {
    return (name, effect) =>
      new Promise((resolve, reject) => {
        const finish = (outcome: Outcome): void => {
          this.note(`${worker} ${name} ${outcome}`)
          try {
            if (outcome === 'failed before') throw broken(name)
            const result = effect()
            if (outcome === 'failed after') throw broken(name)
            resolve(result)
          } catch (error) {
            reject(error)
          }
        }
        if (!this.#dead.has(worker)) this.#calls.push({ worker, name, finish })
      })
  }

  get idle(): boolean {
    return this.#calls.length === 0 && this.#later.length === 0
  }

  /** Something that happens, but not yet. */
  later(act: () => void): void {
    this.#later.push(act)
  }

  forget(worker: string): void {
    this.#dead.add(worker)
    this.#calls = this.#calls.filter((call) => call.worker !== worker)
  }

  /** Lets one call or one late act through; false when there is none. */
  step(): boolean {
    const total = this.#calls.length + this.#later.length
    if (total === 0) return false
    const at = this.#random.int(0, total - 1)
    if (at >= this.#calls.length) {
      const [act] = this.#later.splice(at - this.#calls.length, 1)
      act!()
      return true
    }
    const [call] = this.#calls.splice(at, 1)
    // What happens to a commit matters most.
    const fails = this.#random.chance(call!.name === 'commit' ? this.faults * 4 : this.faults)
    call!.finish(fails ? (this.#random.chance(0.5) ? 'failed before' : 'failed after') : 'done')
    return true
  }

  note(text: string): void {
    this.trace.push(text)
    if (this.trace.length > 2000 && !process.env.MILLRACE_TRACE) this.trace.splice(0, 1000)
  }
}

function broken(call: string): Error {
  return fault('ENGINE_UNEXPECTED', { sync: 'sim', reason: `${call} was cut off` })
}

/** Lets everything that can go on without the world go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
