import { declaration } from './brand.ts'

/** A Postgres that `up` runs as a part of the project. */
export interface EmbeddedDatabase {
  readonly kind: 'embedded'
  /** Folder of `.sql` files, run once in name order when the database is made. `:'NAME'` is the secret NAME, quoted. */
  readonly sql?: string
  /** Port to listen on. Default: a free one, the same each time where possible. */
  readonly port?: number
}

/** A Postgres that someone else runs. */
export interface RemoteDatabase {
  readonly kind: 'address'
  readonly host: string
  readonly port: number
  readonly database: string
}

/** What a project stands on. Each part is embedded unless an address is given. */
export interface ConfigOptions {
  /** Marks what is the project's own in systems shared with others. Default: the name in `package.json`, or the folder's. */
  readonly name?: string
  /** Databases that declarations name with `database`. */
  readonly databases?: Readonly<Record<string, EmbeddedDatabase | RemoteDatabase>>
  readonly kafka?: { readonly brokers: readonly string[] }
  readonly connect?: {
    readonly url: string
    /** How a connector's configuration refers to the secret `{name}` there, as in `${vault:millrace:{name}}`. */
    readonly secret?: string
  }
  readonly registry?: { readonly url: string }
  /** Ports of embedded parts. Default: free ones, the same each time where possible. */
  readonly ports?: { readonly kafka?: number; readonly connect?: number; readonly registry?: number }
}

export type Config = Readonly<ConfigOptions> & { readonly kind: 'config' }

/** The project's configuration: the default export of `millrace.config.ts`. */
export function defineConfig(options: ConfigOptions): Config {
  return declaration('config', options)
}

/** A database that `up` starts: a server of its own, one database of the same name in it. */
export function embedded(options: Omit<EmbeddedDatabase, 'kind'> = {}): EmbeddedDatabase {
  return { kind: 'embedded', ...options }
}
