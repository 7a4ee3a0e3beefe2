import { sha256Hex } from '../../src/core/index.ts';
import { type ExceptionRecord, holdOf, isFiltered, vaultsOf } from '../../src/exceptions/index.ts';
import type { Simulation } from './harness.ts';

/*
 * What was captured, past every port of ours: read from the tables of the embedded AWS itself.
 */

/** One version with content, wherever it stands now. */
interface Standing {
  /** `<version id>/<key>` at the destination: the name that a copy in a vault has too. */
  readonly name: string;
  readonly isInVault: boolean;
  readonly bytes: number;
  readonly hash: string;
}

function standingOf(s: Simulation, record: ExceptionRecord): readonly Standing[] {
  const prefixes = vaultPrefixes(record);
  // Of an exception that is filtered only what is kept of its subjects.
  const part = isFiltered(record.request) ? '/vault/' : '';
  const rows = s.state.aws.database
    .prepare('SELECT bucket, key, version_id, body FROM versions WHERE length(body) > 0 AND key LIKE ?')
    .all(`%${record.id}${part}%`) as {
    bucket: string;
    key: string;
    version_id: string;
    body: Uint8Array;
  }[];
  return rows.map(({ bucket, key, version_id, body }) => {
    const prefix = prefixes.get(bucket);
    return {
      name: prefix === undefined ? `${version_id}/${key}` : key.slice(prefix.length),
      isInVault: prefix !== undefined,
      bytes: body.length,
      hash: sha256Hex(body),
    };
  });
}

/** Of every hold that there was: what an earlier one moved may stand in its vault alone. */
const vaultPrefixes = ({ holds = [] }: ExceptionRecord): ReadonlyMap<string, string> =>
  new Map(holds.flatMap(vaultsOf).map(({ bucketName, keyPrefix }) => [bucketName, keyPrefix]));

/**
 * INVARIANT (HELD): from the moment at which Legal’s hold stands, everything that was captured stands at its destination or, byte for byte, in
 * the vault of its place; and what was noted as moved stands in the vaults.
 */
export class Held {
  /** Hashes of what was seen under the hold, by its name. */
  readonly #captured = new Map<string, string>();
  #vaulted: ReadonlySet<string> = new Set();

  /** Looks at an exception on hold. @returns what is broken, in words */
  look(s: Simulation, record: ExceptionRecord): string | undefined {
    if (record.state === 'closed') return 'closed as proven under a legal hold';
    const standing = standingOf(s, record);
    const there = new Map(standing.map(({ name, hash }) => [name, hash]));
    for (const { name, hash, isInVault } of standing)
      if (isInVault && hash !== (this.#captured.get(name) ?? hash)) return `${name} is another in its vault`;
    const gone = [...this.#captured].filter(([name, hash]) => there.get(name) !== hash);
    if (gone.length > 0)
      return `${gone.length} of ${this.#captured.size} captured went under a legal hold: ${gone[0]?.[0] ?? ''}`;
    for (const [name, hash] of there) this.#captured.set(name, hash);
    const moved = holdOf(record)?.moved;
    const vaulted = standing.filter(({ isInVault }) => isInVault);
    this.#vaulted = new Set(vaulted.map(({ name }) => name));
    const bytes = vaulted.reduce((sum, each) => sum + each.bytes, 0);
    return moved === undefined || (moved.versions <= vaulted.length && moved.bytes <= bytes)
      ? undefined
      : `${moved.versions} versions are noted as moved, and ${vaulted.length} stand in the vaults`;
  }

  /** Whether a version was seen in its vault, by `<version id>/<key>`. */
  isInVault(name: string): boolean {
    return this.#vaulted.has(name);
  }

  /** How much of it was seen. */
  get size(): number {
    return this.#captured.size;
  }
}
