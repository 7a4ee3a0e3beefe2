import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { expectGolden } from './golden.ts';
import { run } from './harness.ts';

const SNAPSHOT = ['--snapshot', 'examples/organization'] as const;
type Listed = { id: string; controlId: string; outcome: string; subject: Record<string, string> };

async function idOf(isMeant: (finding: Listed) => boolean): Promise<string> {
  const { stdout } = await run(['check', ...SNAPSHOT, '--format', 'json']);
  const { findings } = JSON.parse(stdout) as { findings: readonly Listed[] };
  const found = findings.find(isMeant);
  if (found === undefined) throw new Error('the example organization has no such finding');
  return found.id;
}
const contentIsOn = (finding: Listed) =>
  finding.controlId === 'CP-01' &&
  finding.subject['accountId'] === '666666666666' &&
  finding.outcome === 'non-compliant';

describe('an explanation', () => {
  test('shows every condition, the evidence, the clause that decided, the source and the remedy', async () => {
    const { exitCode, stdout } = await run(['finding', 'explain', await idOf(contentIsOn), ...SNAPSHOT]);
    expect(exitCode).toBe(EXIT.findings);
    expect(stdout.match(/this clause decided/g)).toHaveLength(1);
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    await expectGolden(stdout, 'finding-explain.txt');
  });

  test.each([
    ['indeterminate', EXIT.undecided],
    ['compliant', EXIT.fine],
    ['not-applicable', EXIT.fine],
  ] as const)('of a finding that is %s', async (outcome, expected) => {
    const id = await idOf((finding) => finding.outcome === outcome);
    const { exitCode, stdout } = await run(['finding', 'explain', id, ...SNAPSHOT]);
    expect(exitCode).toBe(expected);
    expect(stdout).toContain(`finding ${id}: ${outcome}`);
    expect(stdout.match(/this clause decided/g)).toHaveLength(1);
  });

  test('takes the beginning of an id, in any case', async () => {
    const id = await idOf(contentIsOn);
    const whole = await run(['finding', 'explain', id, ...SNAPSHOT]);
    expect(await run(['finding', 'explain', id.slice(0, 10).toUpperCase(), ...SNAPSHOT])).toEqual(whole);
  });

  test('as JSON carries the control’s sources', async () => {
    const { stdout } = await run([
      'finding',
      'explain',
      await idOf(contentIsOn),
      ...SNAPSHOT,
      '--format',
      'json',
    ]);
    const { finding, source } = JSON.parse(stdout);
    expect(finding.explanation.require.kind).toBe('any');
    expect(source.length).toBeGreaterThan(0);
  });
});

test.each([
  ['an id that no finding has', 'ffffffffffffffff', 'there is no finding'],
  ['an id that is too short to mean one', 'a', '`a`'],
])('%s is exit 2', async (_name, id, says) => {
  const { exitCode, stdout, stderr } = await run(['finding', 'explain', id, ...SNAPSHOT]);
  expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.malformed, stdout: '' });
  expect(stderr).toContain(says);
});

test.each(['', '3f2'])('an id of %j is malformed, and nothing is read for it', async (id) => {
  const { exitCode, stderr } = await run(['finding', 'explain', id, '--snapshot', '/nowhere']);
  expect(exitCode).toBe(EXIT.malformed);
  expect(stderr).toContain('too short for the id of a finding');
});
