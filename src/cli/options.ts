import { InvalidArgumentError, Option } from 'commander';
import {
  type AccountId,
  type DurationMs,
  type EpochMs,
  isAccountId,
  isPrincipalId,
  isRegion,
  type PrincipalId,
  parseDuration,
  parseInstant,
  type Region,
} from '../core/index.ts';

export const DEFAULT_POLICY = 'policies/';
export const DEFAULT_STATE = '.proviso/';

/** Options that several commands share, so that they are spelled, described and read alike everywhere. */
export const policyOption = (): Option =>
  new Option('--policy <file|dir>', 'the policy, or the folder that holds it').default(DEFAULT_POLICY);

export const snapshotOption = (): Option =>
  new Option('--snapshot <dir>', 'a snapshot, as `collect` writes it');

export const stateOption = (): Option =>
  new Option('--state <dir>', 'a state directory').default(DEFAULT_STATE);

/** For commands that judge either; there is no default, since a check must never be of something nobody named. */
export const stateToReadOption = (): Option =>
  new Option('--state <dir>', 'judge the embedded AWS of a state directory instead of a snapshot');

export const formatOption = (...formats: readonly [string, ...string[]]): Option =>
  new Option('--format <format>', 'form of the output').choices(formats).default(formats[0]);

/** Only for reading a snapshot or a simulated state: nobody acts at a time of their own choosing. */
export const nowOption = (): Option =>
  new Option('--now <instant>', 'judge as of this UTC instant instead of the time of the evidence').argParser(
    readInstant,
  );

/** For judging evidence that may have grown old. */
export const maxAgeOption = (): Option =>
  new Option(
    '--max-age <duration>',
    'what was seen longer ago than this, such as 24h, counts as unknown',
  ).argParser(readDuration);

function readDuration(text: string): DurationMs {
  const read = parseDuration(text);
  if (!read.ok) throw new InvalidArgumentError(read.error);
  return read.value;
}

export function readInstant(text: string): EpochMs {
  const read = parseInstant(text);
  if (!read.ok) throw new InvalidArgumentError(read.error);
  return read.value;
}

export function readRegions(text: string, before: readonly Region[] | undefined): readonly Region[] {
  if (!isRegion(text)) throw new InvalidArgumentError('expected an AWS Region code such as `eu-central-1`');
  return [...(before ?? []), text];
}

export function readAccounts(text: string, before: readonly AccountId[] | undefined): readonly AccountId[] {
  if (!isAccountId(text)) throw new InvalidArgumentError('expected an account id of 12 digits');
  return [...(before ?? []), text];
}

export function readPrincipal(text: string): PrincipalId {
  if (!isPrincipalId(text))
    throw new InvalidArgumentError('expected an id of letters, digits, `.`, `_` and `-`');
  return text;
}

export const readTexts = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];

const EXAMPLE_WIDTH = 76;

/** `Examples:` below a command's help; each line one command line, broken as a shell reads it when it is too long for the page. */
export const examples = (...lines: readonly string[]): string =>
  `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ ${broken(line)}`).join('\n')}`;

/** Breaks before options: `--reason "two words"` stays whole. */
function broken(line: string): string {
  const [first = '', ...options] = line.split(/ (?=--)/);
  let text = first;
  let used = first.length;
  for (const option of options) {
    const isFull = used + option.length + 3 > EXAMPLE_WIDTH;
    text += isFull ? ` \\\n      ${option}` : ` ${option}`;
    used = isFull ? option.length + 4 : used + option.length + 1;
  }
  return text;
}
