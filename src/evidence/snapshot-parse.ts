import type { z } from 'zod';
import { err, ok, type Result } from '../core/index.ts';
import type { SnapshotProblem } from './errors.ts';
import { fieldOf, issueText } from './schema-parts.ts';
import { SNAPSHOT_SCHEMA_VERSION } from './types.ts';

export interface SnapshotFile {
  /** Below the snapshot's folder. */
  readonly path: string;
  readonly text: string;
}

/** Parses one file; without a schema, any JSON. All faults of the file, never the text that is at fault. */
export function decodeFile(file: SnapshotFile): Result<unknown, readonly SnapshotProblem[]>;
export function decodeFile<T>(
  file: SnapshotFile,
  schema: z.ZodType<T>,
): Result<T, readonly SnapshotProblem[]>;
export function decodeFile<T>(
  file: SnapshotFile,
  schema?: z.ZodType<T>,
): Result<unknown, readonly SnapshotProblem[]> {
  let value: unknown;
  try {
    value = JSON.parse(file.text);
  } catch {
    return err([
      {
        code: 'not-json',
        file: file.path,
        field: '',
        message: 'not valid JSON; the file may have been cut off',
        remedy: 'collect again, or restore the file',
      },
    ]);
  }
  if (schema === undefined) return ok(value);
  // Another version may differ in every field; saying only that is more use than a list of fields.
  const version = versionProblem(file.path, value);
  if (version !== undefined) return err([version]);
  const parsed = schema.safeParse(value);
  return parsed.success
    ? ok(parsed.data)
    : err(parsed.error.issues.map((issue) => problem(file.path, issue)));
}

function versionProblem(path: string, value: unknown): SnapshotProblem | undefined {
  if (typeof value !== 'object' || value === null || !('schemaVersion' in value)) return undefined;
  const version = value.schemaVersion;
  if (version === SNAPSHOT_SCHEMA_VERSION) return undefined;
  const shown = typeof version === 'number' ? `\`${version}\`` : 'something else';
  return {
    code: 'schema-version',
    file: path,
    field: 'schemaVersion',
    message: `this program reads version \`${SNAPSHOT_SCHEMA_VERSION}\`, the file is ${shown}`,
    remedy: 'use the version of Proviso that wrote the snapshot, or collect again with this one',
  };
}

function problem(path: string, issue: z.core.$ZodIssue): SnapshotProblem {
  return {
    code: 'shape',
    file: path,
    field: fieldOf(issue.path),
    message: issueText(issue),
    remedy:
      issue.code === 'unrecognized_keys'
        ? 'remove the field'
        : 'correct the field as docs/snapshot.md describes it, or collect again',
  };
}
