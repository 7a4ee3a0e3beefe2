import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { err, ok, type Result } from '../../core/index.ts';

/** Why a state directory cannot be used. `busy` may pass by itself; the others need a person. */
export interface StateProblem {
  readonly code: 'missing' | 'busy' | 'damaged' | 'exists' | 'unwritable';
  readonly message: string;
  readonly remedy: string;
}

export const STATE_MODES = ['simulated', 'embedded'] as const;
export type StateMode = (typeof STATE_MODES)[number];

const stateSchema = z.strictObject({
  kind: z.literal('State'),
  schemaVersion: z.literal(1),
  /** `simulated`: a virtual clock and `clock advance`; `embedded`: the real clock. Fixed when the directory is created. */
  mode: z.enum(STATE_MODES),
  createdAt: z.string(),
});
export type StateDescription = z.output<typeof stateSchema>;

/** Where everything of a state stands. */
export const statePaths = (directory: string) => ({
  description: join(directory, 'state.json'),
  state: join(directory, 'state.sqlite'),
  aws: join(directory, 'aws.sqlite'),
  events: join(directory, 'events.ndjson'),
  notifications: join(directory, 'notifications.ndjson'),
  archive: join(directory, 'archive'),
  people: join(directory, 'people.yaml'),
  certificates: join(directory, 'certificates'),
  /** The dossier of each review, in a folder of its own. */
  reviews: join(directory, 'reviews'),
  signingKey: join(directory, 'signing-key.pem'),
});

export function readStateDescription(directory: string): Result<StateDescription, StateProblem> {
  const file = statePaths(directory).description;
  if (!existsSync(file)) {
    return err({
      code: 'missing',
      message: `\`${directory}\` is not a state directory`,
      remedy: 'create one: proviso state init --state DIR --mode simulated --snapshot DIR --people FILE',
    });
  }
  try {
    return ok(stateSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
  } catch {
    return err({
      code: 'damaged',
      message: `\`${file}\` is damaged or of another version`,
      remedy: 'restore it from a backup',
    });
  }
}

/** Fills a new directory beside its final place and renames it, so that a state directory is there whole or not at all. */
export async function createStateDirectory(
  directory: string,
  description: StateDescription,
  fill: (draft: string) => Promise<void>,
): Promise<Result<void, StateProblem>> {
  const target = resolve(directory);
  if (existsSync(target) && readdirSync(target).length > 0) {
    return err({
      code: 'exists',
      message: `\`${directory}\` exists and is not empty`,
      remedy: 'choose another directory; a state is never overwritten',
    });
  }
  let draft: string;
  try {
    mkdirSync(dirname(target), { recursive: true });
    draft = mkdtempSync(`${target}.draft-`);
  } catch (error) {
    return err({
      code: 'unwritable',
      message: `\`${directory}\` cannot be created (${error instanceof Error ? error.message : ''})`,
      remedy: 'choose a directory you may write',
    });
  }
  try {
    await fill(draft);
    writeFileSync(statePaths(draft).description, `${JSON.stringify(description, undefined, 2)}\n`);
    if (existsSync(target)) rmSync(target, { recursive: true });
    renameSync(draft, target);
    return ok(undefined);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
