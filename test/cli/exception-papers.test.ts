import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/index.ts';
import { expectGolden } from './golden.ts';
import { type CliRun, REPOSITORY, run, SCRATCH } from './harness.ts';

/* What people read and sign, from one exception that is played once; every text at 80 columns. */

const KEY = 'arn:aws:kms:us-east-1:444444444444:key/7f3c9a10-5b1e-4a8e-9d53-2f0c6f1f4a77';
let folder: string;
let id: string;
let before: string;
let after: string;
const proviso = (...argv: string[]): Promise<CliRun> => run(argv, { cwd: folder });
const exception = (command: string, ...argv: string[]) => proviso('exception', command, ...argv);
const told: Record<string, CliRun> = {};
const sheets: Record<string, CliRun> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(SCRATCH, 'proviso-papers-'));
  for (const name of ['policies', 'examples', 'workflows'])
    symlinkSync(join(REPOSITORY, name), join(folder, name));
  const people = 'examples/people.yaml';
  await proviso(
    'state',
    'init',
    '--mode',
    'simulated',
    '--snapshot',
    'examples/organization',
    '--people',
    people,
  );
  await proviso('policy', 'adopt', '--as', 'priya.raman');
  const where = ['account=444444444444', 'region=us-east-1'];
  await proviso(
    'simulate',
    'do',
    'create-bucket',
    ...where,
    'bucket=example-incident-content',
    `kmsKeyArn=${KEY}`,
  );
  await proviso(
    'simulate',
    'do',
    'create-bucket',
    'account=444444444444',
    'region=eu-west-1',
    'bucket=example-incident-content-ireland',
    'kmsKeyArn=arn:aws:kms:eu-west-1:444444444444:key/1c84e2d7-90ab-4f06-8a3d-6be5d1f7c230',
  );
  told['nothing'] = await exception('status');
  const record = () => readFileSync(join(folder, '.proviso/events.ndjson'), 'utf8');
  before = record();
  told['preview'] = await exception('preview', 'examples/requests/incident.yaml', '--as', 'sam.okafor');
  told['preview json'] = await exception('preview', 'examples/requests/incident.yaml', '--format', 'json');
  told['preview places'] = await exception(
    'preview',
    'examples/requests/two-regions.yaml',
    '--as',
    'sam.okafor',
  );
  const request = readFileSync(join(REPOSITORY, 'examples/requests/incident.yaml'), 'utf8');
  writeFileSync(
    join(folder, 'refused.yaml'),
    request
      .replace('bucketName: example-incident-content', 'bucketName: no-such-bucket')
      .replace('endsAt: "2026-11-22', 'endsAt: "2026-12-22'),
  );
  told['preview refused'] = await exception('preview', 'refused.yaml', '--as', 'sam.okafor');
  after = record();
  const asked = await exception(
    'request',
    'examples/requests/incident.yaml',
    '--as',
    'sam.okafor',
    '--format',
    'json',
  );
  ({ id } = (JSON.parse(asked.stdout) as { exception: { id: string } }).exception);
  for (const format of ['markdown', 'html', 'json'])
    sheets[format] = await exception('sheet', id, '--format', format);
  told['pending'] = await exception('status');
  const hash = sha256Hex(sheets['markdown']?.stdout ?? '');
  // Refused, and so a near-miss.
  await exception('approve', id, '--as', 'sam.okafor', '--role', 'security', '--hash', hash);
  for (const [who, role] of [
    ['lena.fischer', 'legal'],
    ['priya.raman', 'security'],
    ['omar.haddad', 'executive'],
  ] as const)
    await exception('approve', id, '--as', who, '--role', role, '--hash', hash);
  told['window'] = await exception('siem-window', '--publish');
  told['windowText'] = await exception('siem-window', '--format', 'text');
  await proviso('clock', 'advance', '12h');
  told['on'] = await exception('status');
  await proviso('clock', 'advance', '4d');
  told['off'] = await exception('status');
  for (const format of ['text', 'json', 'markdown', 'csv'])
    told[`report ${format}`] = await exception('report', '--quarter', '2026Q4', '--format', format);
  for (const format of ['markdown', 'html'])
    told[`certificate ${format}`] = await exception('certificate', id, '--format', format);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (name: string) => told[name]?.stdout ?? '';
const withoutHashes = (text: string) =>
  text.replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>').replaceAll(/\bkey `[0-9a-f]{16}`/g, 'key `<key>`');

describe('a preview', () => {
  it('says in plain sentences what would happen, at 80 columns', async () => {
    expect(told['preview']?.exitCode).toBe(0);
    const text = textOf('preview');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    await expectGolden(text, 'exception-preview.txt');
  });

  it('of several places names each where it says something of it, and says the rest once', async () => {
    expect(told['preview places']?.exitCode).toBe(0);
    const text = textOf('preview places');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(text.match(/product-legacy/g)).toHaveLength(1);
    await expectGolden(text, 'exception-preview-two-regions.txt');
  });

  it('tells every condition that would refuse it, first, with exit code 1', () => {
    expect(told['preview refused']?.exitCode).toBe(1);
    const text = textOf('preview refused');
    expect(text).toContain('REFUSE');
    const [, conditions = ''] = text.split('Conditions of the policy\n');
    expect(conditions).toMatch(/^ {2}NOT met/);
    expect(conditions).toContain('no-such-bucket');
    expect(conditions.match(/NOT met/g)?.length).toBeGreaterThanOrEqual(3);
  });

  it('is the same as JSON, and writes nothing', () => {
    const json = JSON.parse(textOf('preview json')) as { outcome: string; parts: { id: string }[] };
    expect(json.outcome).toBe('admitted');
    expect(json.parts.map((part) => part.id)).toEqual([
      'captured',
      'not-captured',
      'contested',
      'alarms',
      'gone',
      'window',
    ]);
    expect(after).toBe(before);
    expect(before).not.toBe('');
  });
});

describe('the decision sheet on the command line', () => {
  it('is what `exception show` says is signed, byte for byte', async () => {
    expect(sheets['markdown']?.exitCode).toBe(0);
    const shown = await exception('show', id);
    expect(sheets['json']?.stdout).toContain(sha256Hex(sheets['markdown']?.stdout ?? ''));
    expect(shown.exitCode).toBe(0);
    await expectGolden(withoutHashes(sheets['markdown']?.stdout ?? ''), 'exception-sheet.md');
  });

  it('as a page needs nothing else and names the hash', () => {
    const page = sheets['html']?.stdout ?? '';
    expect(page).not.toMatch(/<script|https?:\/\/|url\(|<link|src=/);
    expect(page).toContain(sha256Hex(sheets['markdown']?.stdout ?? ''));
    expect(page).toContain('everyone who invokes a model');
  });
});

describe('following exceptions', () => {
  it('reads the same every time', async () => {
    const texts = ['nothing', 'pending', 'windowText', 'on', 'off', 'report text'].map(
      (name) => `# ${name}\n${textOf(name)}`,
    );
    const text = texts.join('\n');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    await expectGolden(text, 'exception-following.txt');
  });

  it('publishes the planned changes as a notification, and as JSON', () => {
    const window = JSON.parse(textOf('window')) as { plannedChanges: { purpose: string }[] };
    expect(window.plannedChanges.map(({ purpose }) => purpose)).toEqual(['switch on', 'switch off']);
    const lines = readFileSync(join(folder, '.proviso/notifications.ndjson'), 'utf8').trim().split('\n');
    const published = lines.map((line) => JSON.parse(line) as { type: string; plannedChanges?: unknown });
    expect(published.find(({ type }) => type === 'exception.planned-changes')?.plannedChanges).toEqual(
      window.plannedChanges,
    );
  });

  it('reports the same numbers in every form', () => {
    const json = JSON.parse(textOf('report json')) as {
      totals: Record<string, number>;
      exceptions: { minutesOn: number }[];
      nearMisses: { kind: string }[];
      reads: null;
    };
    expect(json.totals).toMatchObject({ requested: 1, enabled: 1, overdueMinutes: 0, breakGlass: 0 });
    expect(json.nearMisses.map(({ kind }) => kind)).toEqual(['exception.decision-refused']);
    expect(json.reads).toBeNull();
    const rows = parseCsv(textOf('report csv'), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ exception: id, minutes_on: String(json.exceptions[0]?.minutesOn) });
    expect(textOf('report markdown')).toContain(`\`${id}\``);
  });

  it('refuses a quarter that is none', async () => {
    for (const quarter of ['2026', '2026Q5', 'Q4']) {
      const ran = await exception('report', '--quarter', quarter);
      expect(ran.exitCode).toBe(2);
      expect(ran.stderr).toContain('2026Q4');
    }
  });
});

describe('the certificate', () => {
  it('in Markdown says what was not listed where and when, and never more', async () => {
    const text = textOf('certificate markdown');
    expect(text).toContain('was listed at these locations at these two times');
    expect(text).toContain('## What this does not prove');
    expect(text).not.toMatch(/nothing (is|was) left|no copies exist|destroyed/i);
    await expectGolden(withoutHashes(text), 'exception-certificate.md');
  });

  it('as a page needs nothing else', () => {
    expect(textOf('certificate html')).not.toMatch(/<script|https?:\/\/|url\(|<link|src=/);
  });
});

describe('workflow render', () => {
  it('draws the life of an exception and both state machines', async () => {
    const life = await proviso('workflow', 'render');
    expect(life.stdout).toContain('purging --> closed: close');
    const machine = await proviso('workflow', 'render', 'workflows/prompt-storage-exception.asl.yml');
    expect(machine.stdout).toContain('EnableContentStorage --> BeginEnding: States.ALL');
    expect(machine.stdout).toContain('IsPut --> ReadBack: put');
    expect((await proviso('workflow', 'render', 'examples/people.yaml')).exitCode).toBe(2);
  });

  it('says of a policy that it is one, once, and what draws and what explains', async () => {
    const { exitCode, stderr } = await proviso('workflow', 'render', 'policies/prompt-storage.yaml');
    expect(exitCode).toBe(2);
    expect(stderr.split('\n').length).toBeLessThan(7);
    expect(stderr.replace(/\n */g, ' ')).toContain('is a document of kind `Policy`, not a state machine');
    expect(stderr).toContain('policy explain');
  });
});
