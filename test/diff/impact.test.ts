import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import { hashOf } from '../../src/core/index.ts';
import { impactOnRequests, impactOnSnapshot } from '../../src/diff/index.ts';
import { parseRequest } from '../../src/exceptions/index.ts';
import type { LoadedPolicy, Policy } from '../../src/policy/index.ts';
import { REPOSITORY, run } from '../cli/harness.ts';
import { editedPolicy, SHIPPED } from './policies.ts';

const loaded = (policy: Policy): LoadedPolicy => ({ policy, hash: hashOf(policy), file: 'policy.yaml' });
const ORGANIZATION = `${REPOSITORY}examples/organization`;

async function estate() {
  const read = await readSnapshot(ORGANIZATION);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return { name: 'last week', snapshot: read.value, coverage: () => undefined };
}

const TURNED = editedPolicy([
  'require: { fact: dataRetention.mode, op: equal, value: none }',
  'require: { fact: dataRetention.mode, op: notEqual, value: none }',
]);

describe('what a change would do to an organization', () => {
  test('nothing, if the policies are the same', async () => {
    const impact = await impactOnSnapshot(await estate(), loaded(SHIPPED), loaded(SHIPPED));
    expect(impact).toMatchObject({ affectedAccounts: 0, changes: [] });
  });

  test('a control turned round changes each finding that was decided, both ways, loosenings first', async () => {
    const { changes, affectedAccounts, accounts } = await impactOnSnapshot(
      await estate(),
      loaded(SHIPPED),
      loaded(TURNED),
    );
    expect(changes.length).toBeGreaterThan(5);
    expect(new Set(changes.map(({ finding }) => finding.controlId))).toEqual(new Set(['CP-03']));
    expect(new Set(changes.map(({ old, new: next }) => `${old} -> ${next}`))).toEqual(
      new Set(['compliant -> non-compliant', 'non-compliant -> compliant']),
    );
    const ways = changes.map(({ direction }) => direction);
    expect(ways).toEqual(ways.toSorted((one, other) => (one === other ? 0 : one === 'loosening' ? -1 : 1)));
    expect(affectedAccounts).toBeGreaterThan(0);
    expect(affectedAccounts).toBeLessThanOrEqual(accounts);
  });

  test('the other way round is the opposite, finding by finding', async () => {
    const [there, back] = [
      await impactOnSnapshot(await estate(), loaded(SHIPPED), loaded(TURNED)),
      await impactOnSnapshot(await estate(), loaded(TURNED), loaded(SHIPPED)),
    ];
    const key = (from: string, to: string, id: string): string => `${id} ${from} ${to}`;
    expect(there.changes.map((each) => key(each.old, each.new, each.finding.id)).sort()).toEqual(
      back.changes.map((each) => key(each.new, each.old, each.finding.id)).sort(),
    );
  });

  test('a renamed control is compared with itself', async () => {
    const renamed: Policy = {
      ...SHIPPED,
      controls: SHIPPED.controls.map((control) =>
        control.id === 'CP-03' ? { ...control, id: 'CP-33' } : control,
      ),
    };
    const known = await impactOnSnapshot(await estate(), loaded(SHIPPED), loaded(renamed), {
      'CP-03': 'CP-33',
    });
    expect(known.changes).toEqual([]);
    const unknown = await impactOnSnapshot(await estate(), loaded(SHIPPED), loaded(renamed));
    expect(unknown.changes.length).toBeGreaterThan(0);
  });

  test('a deleted control: its violations are no longer looked at, which is looser', async () => {
    const without: Policy = { ...SHIPPED, controls: SHIPPED.controls.filter(({ id }) => id !== 'CP-01') };
    const { changes } = await impactOnSnapshot(await estate(), loaded(SHIPPED), loaded(without));
    expect(new Set(changes.map(({ new: next }) => next))).toEqual(new Set(['not-checked']));
    expect(changes.find(({ old }) => old === 'non-compliant')?.direction).toBe('loosening');
    expect(changes.find(({ old }) => old === 'indeterminate')?.direction).toBe('loosening');
    expect(changes.find(({ old }) => old === 'compliant')?.direction).toBe('neither');
  });

  test('a live exception that may no longer cover: stricter', async () => {
    const uncoverable: Policy = {
      ...SHIPPED,
      controls: SHIPPED.controls.map((control) => ({ ...control, coverableByException: false })),
    };
    const { snapshot } = await estate();
    const coverage = () => ({
      kind: 'exception' as const,
      exceptionId: 'ex-000000000000' as never,
      until: snapshot.takenAt,
    });
    const { changes } = await impactOnSnapshot(
      { name: 'x', snapshot, coverage },
      loaded(SHIPPED),
      loaded(uncoverable),
    );
    expect(
      new Set(changes.map(({ old, new: next, direction }) => `${old} -> ${next}: ${direction}`)),
    ).toEqual(new Set(['covered -> non-compliant: tightening']));
  });
});

describe('what a change would do to requests', () => {
  const file = 'examples/requests/incident.yaml';
  const parsed = parseRequest(readFileSync(`${REPOSITORY}${file}`, 'utf8'), file);
  const requests = parsed.ok ? [{ file, request: parsed.value }] : [];

  test('the example is admitted by the shipped policy, and by one that is wider', () => {
    expect(requests).toHaveLength(1);
    expect(impactOnRequests(requests, loaded(SHIPPED), loaded(SHIPPED)).changes).toEqual([]);
    expect(
      impactOnRequests(requests, loaded(SHIPPED), loaded(editedPolicy(['retention: 14d', 'retention: 30d'])))
        .changes,
    ).toEqual([]);
  });

  test('a policy that is too narrow for it would refuse it, and says by which condition', () => {
    const narrow = editedPolicy(['maxSubjects: 50', 'maxSubjects: 1'], ['enablement: 12d', 'enablement: 1d']);
    const { changes } = impactOnRequests(
      requests.map((each) => ({
        ...each,
        request: { ...each.request, subjects: [...each.request.subjects, ...each.request.subjects] },
      })),
      loaded(SHIPPED),
      loaded(narrow),
    );
    expect(changes).toMatchObject([
      { direction: 'tightening', old: { outcome: 'admitted' }, new: { outcome: 'refused' } },
    ]);
    expect(
      changes[0]?.new.conditions.filter(({ holds }) => holds === 'not-met').map(({ clause }) => clause),
    ).toContain('exceptions.scope.maxSubjects');
  });

  test('a long request that only the new policy admits is looser', () => {
    const [only] = requests;
    if (only === undefined) throw new Error('no request');
    const long = {
      ...only,
      request: { ...only.request, retention: (15 * 86_400_000) as typeof only.request.retention },
    };
    const { changes } = impactOnRequests(
      [long],
      loaded(SHIPPED),
      loaded(editedPolicy(['retention: 14d', 'retention: 21d'])),
    );
    expect(changes).toMatchObject([
      { direction: 'loosening', old: { outcome: 'refused' }, new: { outcome: 'admitted' } },
    ]);
  });

  test('the command tells numbers first, then the list, then one of each kind', async () => {
    const { stdout } = await run([
      'policy',
      'diff',
      'policies/prompt-storage.yaml',
      'policies/prompt-storage.yaml',
      '--snapshot',
      'examples/organization',
      '--requests',
      'examples/requests',
    ]);
    expect(stdout).toMatch(/On examples\/organization\n {2}snapshot of .*: 0 of \d+ accounts would come out/);
    expect(stdout).toContain('0 of 3 requests would be judged differently');
  });
});
