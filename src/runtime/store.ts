import type { DatabaseSync, SQLInputValue, StatementResultingChanges, StatementSync } from 'node:sqlite';
import { Recent } from '../core/index.ts';
import type { ExecutionStatus } from './types.ts';

// Events of many executions are written one after another and seldom read. A state that was made earlier keeps its history in the order
// of the executions, without row ids: the same statements do there, and cost more.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS wf_definitions (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wf_executions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL, name TEXT NOT NULL, definition_hash TEXT NOT NULL,
  input TEXT NOT NULL, input_hash TEXT NOT NULL, status TEXT NOT NULL, started_at INTEGER NOT NULL, stopped_at INTEGER,
  output TEXT, error TEXT, cause TEXT, deadline INTEGER NOT NULL, events INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS wf_executions_name ON wf_executions (machine, name, id);
CREATE INDEX IF NOT EXISTS wf_executions_status ON wf_executions (status, id);
CREATE INDEX IF NOT EXISTS wf_executions_deadline ON wf_executions (deadline, id) WHERE status = 'RUNNING';
CREATE INDEX IF NOT EXISTS wf_executions_stopped ON wf_executions (stopped_at, id) WHERE stopped_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS wf_branches (
  id INTEGER PRIMARY KEY AUTOINCREMENT, execution_id INTEGER NOT NULL, parent_id INTEGER, item_index INTEGER NOT NULL,
  item_value TEXT, state TEXT NOT NULL, phase TEXT NOT NULL, input TEXT NOT NULL, output TEXT, visit INTEGER NOT NULL,
  entered_at INTEGER NOT NULL, retry_count INTEGER NOT NULL, retries TEXT NOT NULL, due_at INTEGER,
  timeout_at INTEGER, heartbeat_ms INTEGER, heartbeat_at INTEGER, token TEXT, token_hash TEXT);
CREATE INDEX IF NOT EXISTS wf_branches_due ON wf_branches (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS wf_branches_execution ON wf_branches (execution_id, id);
CREATE INDEX IF NOT EXISTS wf_branches_parent ON wf_branches (parent_id, item_index) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS wf_branches_token ON wf_branches (token_hash) WHERE token_hash IS NOT NULL;
CREATE TABLE IF NOT EXISTS wf_tokens (hash TEXT PRIMARY KEY, execution_id INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS wf_tokens_execution ON wf_tokens (execution_id);
CREATE TABLE IF NOT EXISTS wf_history (
  execution_id INTEGER NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, details TEXT NOT NULL,
  PRIMARY KEY (execution_id, id));
`;

export interface ExecutionRow {
  readonly id: number;
  readonly machine: string;
  readonly name: string;
  readonly definition_hash: string;
  /** JSON text. */
  readonly input: string;
  readonly input_hash: string;
  status: ExecutionStatus;
  readonly started_at: number;
  stopped_at: number | null;
  output: string | null;
  error: string | null;
  cause: string | null;
  readonly deadline: number;
  events: number;
}

/**
 * Where a branch stands in its state:
 * `ready` to enter it; `invoking` a function (intent recorded, outcome not yet); `token` out with somebody; `waiting` for a time;
 * `retrying` after a delay; `children` running; `done` and waiting for its siblings.
 */
export type Phase = 'ready' | 'invoking' | 'token' | 'waiting' | 'retrying' | 'children' | 'done';

export interface BranchRow {
  readonly id: number;
  readonly execution_id: number;
  readonly parent_id: number | null;
  /** Which branch of the Parallel, or which item of the Map; 0 at the root. */
  readonly item_index: number;
  /** JSON text of the Map's item; null outside a Map. */
  readonly item_value: string | null;
  state: string;
  phase: Phase;
  /** JSON text of the state's input before `InputPath`. */
  input: string;
  /** JSON text, when `done`. */
  output: string | null;
  /** Counts attempts at states, so that an outcome that comes too late is recognized. */
  visit: number;
  entered_at: number;
  retry_count: number;
  /** JSON list: attempts used, per entry of `Retry`. */
  retries: string;
  /** When the engine must look at the branch again; null when something else will wake it. */
  due_at: number | null;
  timeout_at: number | null;
  heartbeat_ms: number | null;
  heartbeat_at: number | null;
  /** The token itself, only while its function is being called, so that a repeated call carries the same one. */
  token: string | null;
  token_hash: string | null;
}

export interface HistoryRow {
  readonly id: number;
  readonly at: number;
  readonly type: string;
  readonly details: string;
}

export type NewBranch = Pick<
  BranchRow,
  'execution_id' | 'parent_id' | 'item_index' | 'item_value' | 'state' | 'input' | 'due_at'
>;

/** What is due next: a branch, or an execution whose time is over. */
export type Due =
  | { readonly kind: 'branch'; readonly at: number; readonly id: number; readonly phase: Phase }
  | { readonly kind: 'deadline'; readonly at: number; readonly id: number };

/** Events of the history that one statement writes. */
const TOLD_TOGETHER = 16;
const TELL_ONE = 'INSERT INTO wf_history VALUES (?, ?, ?, ?, ?)';
const TELL_MANY = `${TELL_ONE}${', (?, ?, ?, ?, ?)'.repeat(TOLD_TOGETHER - 1)}`;

/** How many rows of a table are kept at least. */
const KEPT = 16_384;

/** The rows that were read or written last. Everybody gets a copy: what a step changes counts when it is saved. */
class Rows<T extends { readonly id: number }> {
  readonly #known = new Recent<number, T>(KEPT);

  /** To look at, not to keep. */
  peek(id: number, read: () => T | undefined): Readonly<T> | undefined {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = read();
    if (row !== undefined) this.#known.set(id, row);
    return row;
  }
  get(id: number, read: () => T | undefined): T | undefined {
    const row = this.peek(id, read);
    return row && { ...row };
  }
  set(row: T): void {
    this.#known.set(row.id, { ...row });
  }
  delete(id: number): void {
    this.#known.delete(id);
  }
  forget(): void {
    this.#known.clear();
  }
}

/** SQLite takes a whole transaction back by itself when the disk is full, what its other parts did too: nothing more is done in it. */
const TAKEN_BACK = 'the database took the transaction back';

/** What a transaction has done to a branch and not written. */
type BranchChange =
  | { readonly kind: 'add' | 'save'; readonly row: Readonly<BranchRow> }
  | { readonly kind: 'remove' };

/**
 * The tables of the runtime. It knows rows and no semantics; every write happens inside `transaction`. The database has one writer, this
 * one, so what was read stands until it writes. Rows and events are written as the outermost transaction commits, each of them once, in
 * the state it has then; before that they are read from memory.
 */
export class WorkflowStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** The instant of what is due next, as last read; forgotten at every write and where a transaction is undone. */
  #nextDue: { readonly at: number | undefined } | undefined;
  readonly #executions = new Rows<ExecutionRow>();
  readonly #branches = new Rows<BranchRow>();
  /** The branches of an execution, the oldest first. */
  readonly #branchIds = new Recent<number, readonly number[]>(KEPT);
  /** The youngest execution of a name. */
  readonly #youngest = new Recent<string, number>(KEPT);
  /** The largest id that a branch ever had; one that was taken back is not given again. */
  #lastBranch: number | undefined;
  readonly #unwritten = new Map<number, Readonly<ExecutionRow>>();
  readonly #unwrittenBranches = new Map<number, BranchChange>();
  /** By the hash of the token: its execution. */
  readonly #unwrittenTokens = new Map<string, number>();
  #untold: { readonly executionId: number; readonly row: HistoryRow }[] = [];
  /** What takes the above back to where it stood, the last change first. */
  readonly #undo: (() => void)[] = [];
  /** How many transactions are open, one inside the other, and of how many the database knows: of a part from its first write on. */
  #depth = 0;
  #begun = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  /** Runs `body` in one transaction, committed when it returns and undone when it throws; inside another one, as a part of it. */
  transaction<T>(body: () => T): T {
    const isPart = this.#database.isTransaction;
    const isOutermost = this.#depth === 0;
    const stood = this.#undo.length;
    if (!isPart && !isOutermost) throw new Error(TAKEN_BACK);
    if (!isPart) {
      this.#statement('BEGIN IMMEDIATE').run();
      this.#begun += 1;
    }
    this.#depth += 1;
    try {
      const result = body();
      if (!this.#database.isTransaction) throw new Error(TAKEN_BACK);
      if (isOutermost) this.#write();
      if (this.#begun === this.#depth) {
        this.#statement(isPart ? 'RELEASE part' : 'COMMIT').run();
        this.#begun -= 1;
      }
      if (isOutermost) this.#undo.length = 0;
      return result;
    } catch (error) {
      for (const takeBack of this.#undo.splice(stood).reverse()) takeBack();
      this.#nextDue = undefined;
      this.#executions.forget();
      this.#branches.forget();
      this.#branchIds.clear();
      this.#youngest.clear();
      if (this.#begun === this.#depth) {
        this.#begun -= 1;
        if (this.#database.isOpen && this.#database.isTransaction)
          this.#database.exec(isPart ? 'ROLLBACK TO part; RELEASE part' : 'ROLLBACK');
      }
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Writes what waits for the commit; before every reading of these tables that does not go through the rows that are kept. */
  #write(): void {
    if (
      this.#unwritten.size === 0 &&
      this.#unwrittenBranches.size === 0 &&
      this.#unwrittenTokens.size === 0 &&
      this.#untold.length === 0
    )
      return;
    const executions = [...this.#unwritten];
    const branches = [...this.#unwrittenBranches];
    const tokens = [...this.#unwrittenTokens];
    const events = this.#untold;
    this.#unwritten.clear();
    this.#unwrittenBranches.clear();
    this.#unwrittenTokens.clear();
    this.#untold = [];
    this.#undo.push(() => {
      for (const [id, row] of executions) this.#unwritten.set(id, row);
      for (const [id, change] of branches) this.#unwrittenBranches.set(id, change);
      for (const [hash, executionId] of tokens) this.#unwrittenTokens.set(hash, executionId);
      this.#untold = events;
    });
    for (const [, row] of executions)
      this.#run(
        `UPDATE wf_executions SET status = ?, stopped_at = ?, output = ?, error = ?, cause = ?, events = ? WHERE id = ?`,
        row.status,
        row.stopped_at,
        row.output,
        row.error,
        row.cause,
        row.events,
        row.id,
      );
    for (const [id, change] of branches) this.#writeBranch(id, change);
    for (const [hash, executionId] of tokens)
      this.#run('INSERT INTO wf_tokens VALUES (?, ?)', hash, executionId);
    for (let from = 0; from < events.length; ) {
      const many = events.length - from >= TOLD_TOGETHER ? TOLD_TOGETHER : 1;
      this.#run(
        many === 1 ? TELL_ONE : TELL_MANY,
        ...events
          .slice(from, from + many)
          .flatMap(({ executionId, row }) => [executionId, row.id, row.at, row.type, row.details]),
      );
      from += many;
    }
  }

  #writeBranch(id: number, change: BranchChange): void {
    if (change.kind === 'remove') {
      this.#run('DELETE FROM wf_branches WHERE id = ?', id);
      return;
    }
    const { row } = change;
    const standing = [
      row.state,
      row.phase,
      row.input,
      row.output,
      row.visit,
      row.entered_at,
      row.retry_count,
      row.retries,
      row.due_at,
      row.timeout_at,
      row.heartbeat_ms,
      row.heartbeat_at,
      row.token,
      row.token_hash,
      id,
    ];
    if (change.kind === 'add')
      this.#run(
        `INSERT INTO wf_branches (state, phase, input, output, visit, entered_at, retry_count, retries, due_at, timeout_at,
           heartbeat_ms, heartbeat_at, token, token_hash, id, execution_id, parent_id, item_index, item_value)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...standing,
        row.execution_id,
        row.parent_id,
        row.item_index,
        row.item_value,
      );
    else
      this.#run(
        `UPDATE wf_branches SET state = ?, phase = ?, input = ?, output = ?, visit = ?, entered_at = ?, retry_count = ?,
           retries = ?, due_at = ?, timeout_at = ?, heartbeat_ms = ?, heartbeat_at = ?, token = ?, token_hash = ? WHERE id = ?`,
        ...standing,
      );
  }

  saveDefinition(hash: string, body: string): void {
    this.#run('INSERT OR IGNORE INTO wf_definitions VALUES (?, ?)', hash, body);
  }
  definition(hash: string): string | undefined {
    return this.#get<{ body: string }>('SELECT body FROM wf_definitions WHERE hash = ?', hash)?.body;
  }

  addExecution(row: Omit<ExecutionRow, 'id'>): number {
    this.#nextDue = undefined;
    const id = Number(
      this.#run(
        `INSERT INTO wf_executions (machine, name, definition_hash, input, input_hash, status, started_at, deadline, events)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.machine,
        row.name,
        row.definition_hash,
        row.input,
        row.input_hash,
        row.status,
        row.started_at,
        row.deadline,
        row.events,
      ).lastInsertRowid,
    );
    this.#executions.set({ ...row, id });
    this.#youngest.set(nameKey(row), id);
    this.#branchIds.set(id, []);
    return id;
  }
  execution(id: number): ExecutionRow | undefined {
    return this.#executions.get(id, () => {
      this.#write();
      return this.#get<ExecutionRow>('SELECT * FROM wf_executions WHERE id = ?', id);
    });
  }
  /** The youngest execution of the name: older ones are those whose name was reused. */
  executionByName(machine: string, name: string): ExecutionRow | undefined {
    const id = this.#idByName(machine, name);
    return id === undefined ? undefined : this.execution(id);
  }
  // Executions are added at once, and never renamed: this needs nothing written.
  #idByName(machine: string, name: string): number | undefined {
    const key = nameKey({ machine, name });
    const known = this.#youngest.get(key);
    if (known !== undefined) return known;
    const row = this.#get<{ id: number }>(
      'SELECT id FROM wf_executions WHERE machine = ? AND name = ? ORDER BY id DESC LIMIT 1',
      machine,
      name,
    );
    if (row !== undefined) this.#youngest.set(key, row.id);
    return row?.id;
  }
  /** Of the youngest execution of the name. */
  statusByName(machine: string, name: string): ExecutionStatus | undefined {
    return this.executionByName(machine, name)?.status;
  }
  executions(machine: string | undefined, status: ExecutionStatus | undefined): ExecutionRow[] {
    this.#write();
    return this.#all<ExecutionRow>(
      'SELECT * FROM wf_executions WHERE (?1 IS NULL OR machine = ?1) AND (?2 IS NULL OR status = ?2) ORDER BY id',
      machine ?? null,
      status ?? null,
    );
  }
  saveExecution(row: ExecutionRow): void {
    this.#nextDue = undefined;
    this.#executions.set(row);
    this.#change(this.#unwritten, row.id, { ...row });
  }

  /**
   * Removes executions that closed at `closedBy` or before, the oldest first and at most `limit`, with their histories and tokens.
   * @returns how many went
   */
  forgetClosed(closedBy: number, limit: number): number {
    // What this transaction has closed or redriven is not written yet, and each is looked at as it stands.
    const gone = this.#all<{ id: number }>(
      `SELECT id FROM wf_executions INDEXED BY wf_executions_stopped
         WHERE stopped_at IS NOT NULL AND stopped_at <= ? AND status <> 'RUNNING' ORDER BY stopped_at, id LIMIT ?`,
      closedBy,
      limit,
    ).filter(({ id }) => this.execution(id)?.status !== 'RUNNING');
    if (gone.length > 0) this.#write();
    for (const { id } of gone) {
      this.#executions.delete(id);
      this.#branchIds.delete(id);
      this.#run('DELETE FROM wf_history WHERE execution_id = ?', id);
      this.#run('DELETE FROM wf_tokens WHERE execution_id = ?', id);
      this.#run('DELETE FROM wf_branches WHERE execution_id = ?', id);
      this.#run('DELETE FROM wf_executions WHERE id = ?', id);
    }
    if (gone.length > 0) {
      this.#branches.forget();
      this.#youngest.clear();
    }
    return gone.length;
  }

  addBranch(row: NewBranch): number {
    this.#nextDue = undefined;
    // As AUTOINCREMENT counts, where the row is written only as the transaction commits.
    this.#lastBranch ??= this.#readLastBranch();
    this.#lastBranch += 1;
    const id = this.#lastBranch;
    const branch: BranchRow = {
      id,
      ...row,
      phase: 'ready',
      output: null,
      visit: 0,
      entered_at: 0,
      retry_count: 0,
      retries: '[]',
      timeout_at: null,
      heartbeat_ms: null,
      heartbeat_at: null,
      token: null,
      token_hash: null,
    };
    this.#branchIds.set(row.execution_id, [...this.#idsOf(row.execution_id), id]);
    this.#branches.set(branch);
    this.#change(this.#unwrittenBranches, id, { kind: 'add', row: branch });
    return id;
  }
  #readLastBranch(): number {
    this.#write();
    return this.#get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'wf_branches'")?.seq ?? 0;
  }
  branch(id: number): BranchRow | undefined {
    return this.#branches.get(id, () => this.#readBranch(id));
  }
  #readBranch(id: number): BranchRow | undefined {
    this.#write();
    return this.#get<BranchRow>('SELECT * FROM wf_branches WHERE id = ?', id);
  }
  /** The branches of an execution, the oldest first. */
  #idsOf(executionId: number): readonly number[] {
    const known = this.#branchIds.get(executionId);
    if (known !== undefined) return known;
    this.#write();
    const ids = this.#all<{ id: number }>(
      'SELECT id FROM wf_branches WHERE execution_id = ? ORDER BY id',
      executionId,
    ).map(({ id }) => id);
    this.#branchIds.set(executionId, ids);
    return ids;
  }
  #rowsOf(executionId: number): readonly Readonly<BranchRow>[] {
    return this.#idsOf(executionId).flatMap(
      (id) => this.#branches.peek(id, () => this.#readBranch(id)) ?? [],
    );
  }
  /** The oldest branch of the execution that is ready at `now`. */
  readyBranch(executionId: number, now: number): BranchRow | undefined {
    const row = this.#rowsOf(executionId).find(
      ({ phase, due_at }) => phase === 'ready' && due_at !== null && due_at <= now,
    );
    return row && { ...row };
  }
  branchByToken(hash: string): BranchRow | undefined {
    if (this.#unwrittenTokens.has(hash)) this.#write();
    const found = this.#get<{ id: number }>('SELECT id FROM wf_branches WHERE token_hash = ?', hash);
    const row = found && this.branch(found.id);
    // It may have been answered in this transaction.
    return row?.token_hash === hash ? row : undefined;
  }
  branchesOf(executionId: number): BranchRow[] {
    return this.#rowsOf(executionId).map((row) => ({ ...row }));
  }
  children(parentId: number): BranchRow[] {
    const parent = this.#branches.peek(parentId, () => this.#readBranch(parentId));
    if (parent === undefined) return [];
    return this.branchesOf(parent.execution_id)
      .filter(({ parent_id }) => parent_id === parentId)
      .sort((a, b) => a.item_index - b.item_index);
  }
  saveBranch(row: BranchRow): void {
    this.#nextDue = undefined;
    this.#branches.set(row);
    const kind = this.#unwrittenBranches.get(row.id)?.kind === 'add' ? 'add' : 'save';
    this.#change(this.#unwrittenBranches, row.id, { kind, row: { ...row } });
  }
  /** Removes everything below a branch; tokens that were out there are dead from now on. */
  removeBelow(branchId: number): void {
    const top = this.#branches.peek(branchId, () => this.#readBranch(branchId));
    if (top === undefined) return;
    const below = new Set([branchId]);
    // A branch is younger than the one it belongs to.
    for (const { id, parent_id } of this.#rowsOf(top.execution_id))
      if (parent_id !== null && below.has(parent_id)) below.add(id);
    below.delete(branchId);
    this.#remove(top.execution_id, below);
  }
  removeBranchesOf(executionId: number): void {
    this.#remove(executionId, new Set(this.#idsOf(executionId)));
  }
  #remove(executionId: number, ids: ReadonlySet<number>): void {
    if (ids.size === 0) return;
    this.#nextDue = undefined;
    this.#branchIds.set(
      executionId,
      this.#idsOf(executionId).filter((id) => !ids.has(id)),
    );
    for (const id of ids) {
      this.#branches.delete(id);
      const isNew = this.#unwrittenBranches.get(id)?.kind === 'add';
      this.#change(this.#unwrittenBranches, id, isNew ? undefined : { kind: 'remove' });
    }
  }

  rememberToken(hash: string, executionId: number): void {
    this.#change(this.#unwrittenTokens, hash, executionId);
  }
  wasIssued(tokenHash: string): boolean {
    if (this.#unwrittenTokens.has(tokenHash)) return true;
    return this.#get('SELECT 1 AS found FROM wf_tokens WHERE hash = ?', tokenHash) !== undefined;
  }

  addEvent(executionId: number, row: HistoryRow): void {
    const told = this.#untold;
    told.push({ executionId, row });
    this.#undo.push(() => {
      told.pop();
    });
  }
  events(executionId: number): HistoryRow[] {
    this.#write();
    return this.#all<HistoryRow>(
      'SELECT id, at, type, details FROM wf_history WHERE execution_id = ? ORDER BY id',
      executionId,
    );
  }

  // The indexes are named because the planner, left alone, sorts every running execution at every step.
  /** When the next thing is due. */
  nextDueAt(): number | undefined {
    this.#nextDue ??= { at: this.#readNextDue() };
    return this.#nextDue.at;
  }
  #readNextDue(): number | undefined {
    this.#write();
    const { at } = this.#get<{ at: number | null }>(
      `SELECT min(
         ifnull((SELECT min(due_at) FROM wf_branches INDEXED BY wf_branches_due WHERE due_at IS NOT NULL), 9e15),
         ifnull((SELECT min(deadline) FROM wf_executions INDEXED BY wf_executions_deadline WHERE status = 'RUNNING'), 9e15)
       ) AS at`,
    ) ?? { at: null };
    return at === null || at >= 9e15 ? undefined : at;
  }

  /** What is due at `now`, the earliest first. On a tie the deadline wins: an execution must not act at the instant its time is over. */
  due(now: number, limit: number): Due[] {
    const next = this.nextDueAt();
    if (next === undefined || next > now) return [];
    this.#write();
    const branches = this.#all<{ at: number; id: number; phase: Phase }>(
      `SELECT due_at AS at, id, phase FROM wf_branches INDEXED BY wf_branches_due
         WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at, id LIMIT ?`,
      now,
      limit,
    ).map((row): Due => ({ kind: 'branch', ...row }));
    const deadlines = this.#all<{ at: number; id: number }>(
      `SELECT deadline AS at, id FROM wf_executions INDEXED BY wf_executions_deadline
         WHERE status = 'RUNNING' AND deadline <= ? ORDER BY deadline, id LIMIT ?`,
      now,
      limit,
    ).map((row): Due => ({ kind: 'deadline', ...row }));
    if (deadlines.length === 0) return branches;
    return [...deadlines, ...branches].sort((a, b) => a.at - b.at).slice(0, limit);
  }

  /** Changes what waits for the commit, so that it can be taken back. */
  #change<K, V extends NonNullable<unknown>>(waiting: Map<K, V>, key: K, value: V | undefined): void {
    const before = waiting.get(key);
    this.#undo.push(() => put(waiting, key, before));
    put(waiting, key, value);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
  /** A write. What can be undone by itself is told to the database here: most steps write nothing before the commit. */
  #run(sql: string, ...values: SQLInputValue[]): StatementResultingChanges {
    for (; this.#begun < this.#depth; this.#begun += 1) this.#statement('SAVEPOINT part').run();
    return this.#statement(sql).run(...values);
  }
  // The row types above are the schema's; node:sqlite itself types every column as any value.
  #get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    const row = this.#statement(sql).get(...values);
    return row === undefined ? undefined : ({ ...row } as T);
  }
  #all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(sql)
      .all(...values)
      .map((row) => ({ ...row }) as T);
  }
}

const nameKey = ({ machine, name }: Pick<ExecutionRow, 'machine' | 'name'>): string => `${machine}/${name}`;

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
