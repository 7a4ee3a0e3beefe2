import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { styleText } from 'node:util';
import { runCli } from '../src/cli/program.ts';
import { epochMs } from '../src/core/index.ts';

/*
 * The whole path on one machine, told as it happens: every line after `$` is a real command run in this process, and what follows
 * is what it printed. Nothing here decides anything. Run it with: npm run demo
 */

const ROOT = resolve(import.meta.dirname, '..');
const OUT = join(ROOT, 'demo-output');
const STATE = join(OUT, 'state');
const REPORT = join(OUT, 'report.html');
const CANARIES = [
  'CANARY-inline-4f1c',
  'CANARY-large-9b27',
  'CANARY-version-c3d8',
  'CANARY-upload-e650',
] as const;
const PAIR = ['account=444444444444', 'region=us-east-1'];
const BUCKET = 'example-incident-content';

const hasColor = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
const paint = (style: 'bold' | 'dim' | 'cyan', text: string) => (hasColor ? styleText(style, text) : text);
const say = (text: string) => process.stdout.write(`${text}\n`);
const heading = (text: string) => say(`\n${paint('bold', `== ${text}`)}`);

interface Ran {
  readonly code: number;
  readonly text: string;
}

/** Runs one command and shows what it printed. */
async function proviso(
  args: readonly string[],
  expected: number,
  show: { lines?: number; from?: RegExp } = {},
): Promise<Ran> {
  let text = '';
  const sink = {
    write: (chunk: string) => {
      text += chunk;
    },
  };
  const shown = args.map((word) => (/[\s;]/.test(word) ? `'${word}'` : word.replace(`${ROOT}/`, '')));
  say(`\n${paint('cyan', commandLines(['$ proviso', ...shown]).join('\n'))}`);
  const code = await runCli(args, {
    stdout: sink,
    stderr: sink,
    isTerminal: false,
    isErrorTerminal: false,
    width: 80,
    color: false,
    env: process.env,
    cwd: ROOT,
    clock: { now: () => epochMs(Date.now()) },
    exitCode: 0,
  });
  const lines = text.replaceAll(`${ROOT}/`, '').trimEnd().split('\n');
  const first =
    show.from === undefined
      ? 0
      : Math.max(
          0,
          lines.findIndex((line) => show.from?.test(line)),
        );
  const visible = lines.slice(first, first + (show.lines ?? lines.length));
  for (const line of visible) say(line);
  if (visible.length === 0) say(paint('dim', '(output not shown)'));
  else if (first + visible.length < lines.length)
    say(paint('dim', `... ${lines.length - first - visible.length} more lines`));
  if (code !== expected)
    throw new Error(`\`proviso ${shown.join(' ')}\` came to exit code ${code}, not ${expected}`);
  return { code, text };
}

/** A command line folded to 80 columns, as a shell would take it. */
function commandLines(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && line.length + word.length + 1 > 76) {
      lines.push(`${line} \\`);
      line = `    ${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A command line to copy, indented; a shell reads the folded lines as one. */
function toCopy(command: string): string {
  return commandLines(command.split(' '))
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Files below `directory` whose raw bytes hold one of the canaries. */
function filesWithCanaries(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return CANARIES.some((canary) => bytes.includes(canary));
    })
    .map((file) => relative(OUT, file))
    .sort();
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the demo expected this and did not see it: ${what}`);
}

const started = Date.now();
const onState = ['--state', STATE];
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });

heading('1. The policy: is it sound, and do its own cases hold?');
await proviso(['policy', 'validate'], 0);
await proviso(['policy', 'test'], 0, { lines: 12 });

heading('2. An organization of 12 accounts, checked against it');
say('Most tools want logging on. Here content storage is off by default, so what');
say('was switched on by hand is a violation, and what could not be read is never');
say('called fine.');
const check = await proviso(['check', '--snapshot', 'examples/organization'], 1, { lines: 16 });
const findingId =
  /non-compliant, finding ([0-9a-f]+)\n\s+shared-services: \S+:group\/platform-engineers/.exec(
    check.text,
  )?.[1] ?? '';
say('\nOne finding, down to the clause and the evidence: `bedrock:*` hidden behind');
say('NotAction.');
await proviso(['finding', 'explain', findingId, '--snapshot', 'examples/organization'], 1);

heading('3. An exception: two days of prompts for an incident');
await proviso(
  [
    'state',
    'init',
    ...onState,
    '--mode',
    'simulated',
    '--snapshot',
    'examples/organization',
    '--people',
    'examples/people.yaml',
  ],
  0,
);
await proviso(['policy', 'adopt', ...onState, '--as', 'priya.raman'], 0);
await proviso(
  [
    'simulate',
    'do',
    'create-bucket',
    ...PAIR,
    `bucket=${BUCKET}`,
    'kmsKeyArn=arn:aws:kms:us-east-1:444444444444:key/7f3c9a10-5b1e-4a8e-9d53-2f0c6f1f4a77',
    ...onState,
  ],
  0,
  { lines: 0 },
);
await proviso(
  ['exception', 'request', 'examples/requests/incident.yaml', '--as', 'sam.okafor', ...onState],
  0,
  { lines: 5 },
);
const listed = await proviso(['exception', 'list', ...onState, '--format', 'json'], 0, { lines: 0 });
const id = /ex-[0-9a-z]+/.exec(listed.text)?.[0] ?? '';
const shownException = await proviso(['exception', 'show', id, ...onState], 0, {
  from: /captures/,
  lines: 8,
});
const hash = /what is signed +([0-9a-f]{64})/.exec(shownException.text)?.[1]?.slice(0, 16) ?? '';
const approve = (who: string, role: string, expected: number) =>
  proviso(['exception', 'approve', id, '--as', who, '--role', role, '--hash', hash, ...onState], expected);
say('\nThe requester may not approve, and one person counts once, whatever roles');
say('they hold:');
await approve('sam.okafor', 'security', 1);
await approve('ines.moreau', 'legal', 0);
await approve('ines.moreau', 'security', 1);
await approve('priya.raman', 'security', 0);
await approve('omar.haddad', 'executive', 0);

heading('4. On, for as long as agreed; everyone who calls a model there is captured');
await proviso(['clock', 'advance', '--to', '2026-11-21T07:10:00Z', ...onState], 0);
const caller =
  'as=arn:aws:sts::444444444444:assumed-role/AWSReservedSSO_IncidentResponder_7d6c5b4a39281706/sam.okafor';
const object = `incidents/{id}/AWSLogs/rewritten.json`.replace('{id}', id);
for (const action of [
  ['invoke', ...PAIR, caller, `prompt=${CANARIES[0]}`, 'times=3'],
  ['invoke', ...PAIR, caller, `prompt=${CANARIES[1]}`, 'kilobytes=150'],
  ['overwrite-object', `bucket=${BUCKET}`, `key=${object}`, `body=${CANARIES[2]} first version`],
  ['overwrite-object', `bucket=${BUCKET}`, `key=${object}`, `body=${CANARIES[2]} second version`],
  ['delete-object', `bucket=${BUCKET}`, `key=${object}`],
  ['start-upload', `bucket=${BUCKET}`, `key=incidents/${id}/AWSLogs/unfinished.json`, `body=${CANARIES[3]}`],
]) {
  await proviso(['simulate', 'do', ...action, ...onState], 0, { lines: 0 });
}
const whileOn = filesWithCanaries(OUT);
say(`\nThe canaries we sent as prompts now stand in: ${whileOn.join(', ')}`);
say('(the embedded AWS, and nowhere in our own records)');
const content = readFileSync(join(STATE, 'aws.sqlite'));
require(whileOn.length === 1 &&
  whileOn[0] === 'state/aws.sqlite' &&
  CANARIES.every((canary) =>
    content.includes(canary),
  ), 'every canary in the embedded AWS, and in nothing else');
say('\nA check in mid-lease counts the finding as covered, and still shows it:');
const mid = await proviso(['check', ...onState, '--account', '444444444444'], 1, { lines: 22 });
require(/covered/i.test(mid.text), 'a covered finding in mid-lease');

heading('5. The workflow is stopped and does not come back');
await proviso(['simulate', 'do', 'stop-workflow', `exception=${id}`, ...onState], 0);
say('\nNothing of it runs any more: no Catch, no cleanup. The sweeper comes round');
say('within 15 minutes:');
await proviso(['clock', 'advance', '15m', ...onState], 0);

heading('6. Purged, and looked at twice, a day apart');
await proviso(['clock', 'advance', '2d', ...onState], 0);
await proviso(['exception', 'certificate', id, ...onState], 0);

heading('7. Checked again, and searched for what must be gone');
const after = await proviso(['check', ...onState, '--format', 'html', '--out', REPORT], 1);
require(after.code === 1, 'the rest of the organization is still as it was');
const afterwards = filesWithCanaries(OUT);
say(
  `\nFiles in which a canary is left, state and report: ${afterwards.length === 0 ? 'none' : afterwards.join(', ')}`,
);
require(afterwards.length === 0, 'no canary left anywhere');

heading('What happened');
say(`Sam asked for two days of prompts from one account. Legal, Security and an
executive agreed, each a different person, over the hash of exactly that
request. Content storage was on from noon until the workflow was stopped; the
sweeper noticed within 15 minutes and switched it off, read back from the
(embedded) AWS. Everything captured was deleted: versions, a delete marker, a
large body and an unfinished upload. Two listings a day apart were empty, and a
signed certificate says so, and what it cannot say.

This ran on one machine with a simulated clock and a simulated AWS. No account
was touched. (${((Date.now() - started) / 1000).toFixed(1)} s)

Open the report: ${relative(process.cwd(), REPORT) || REPORT}

Read what happened:
${toCopy(`npx proviso exception timeline ${id} --state demo-output/state`)}

Try it yourself:
${toCopy('npx proviso simulate play examples/scenarios/someone-elses-put.yaml')}`);
