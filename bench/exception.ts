import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSnapshot } from '../src/adapters/files/index.ts';
import { createState, openState } from '../src/compose.ts';
import { DAY, epochMs } from '../src/core/index.ts';
import { adoptPolicy, decideException, requestException } from '../src/enforcement/index.ts';
import { approvalSubject, parseRequest } from '../src/exceptions/index.ts';
import { parsePolicy } from '../src/policy/index.ts';
import { measure, type Suite, timed } from './measure.ts';

const ROOT = join(import.meta.dirname, '..');

/** One exception of two days from request to certificate, with its approvals, on the virtual clock, every transition on disk. */
async function wholeException(): Promise<{ ms: number; transitions: number; events: number; swept: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'proviso-bench-'));
  const directory = join(folder, 'state');
  try {
    const snapshot = await readSnapshot(join(ROOT, 'examples/organization'));
    if (!snapshot.ok) throw new Error('the example organization does not read');
    const created = await createState({
      directory,
      mode: 'simulated',
      snapshot: snapshot.value,
      peopleFile: join(ROOT, 'examples/people.yaml'),
      startsAt: snapshot.value.takenAt,
    });
    if (!created.ok) throw new Error(created.error.message);
    const opened = openState(directory);
    if (!opened.ok) throw new Error(opened.error.message);
    const state = opened.value;
    const { services, simulatedClock: clock } = state;
    if (clock === undefined) throw new Error('the state is not simulated');
    const file = join(ROOT, 'policies/prompt-storage.yaml');
    const text = readFileSync(file, 'utf8');
    const policy = parsePolicy(text, file);
    const request = parseRequest(
      readFileSync(join(ROOT, 'examples/requests/incident.yaml'), 'utf8'),
      'incident.yaml',
    );
    if (!policy.ok || !request.ok) throw new Error('the shipped files do not parse');
    const people = await services.directory.people();
    const [requester, legal, security, executive] = [
      'sam.okafor',
      'lena.fischer',
      'priya.raman',
      'omar.haddad',
    ].map((id) => people.find((person) => person.id === id)?.id);
    if (!requester || !legal || !security || !executive) throw new Error('the example people are not there');
    await adoptPolicy(services, policy.value, text, security);
    const { destination, accountId, region } = request.value;
    if (destination.kind === 's3')
      state.aws.storage.createBucket({ accountId, region }, destination.bucketName, {
        isVersioned: true,
        hasObjectLock: false,
        kmsKeyArn: destination.kmsKeyArn,
      });
    const ms = await timed(async () => {
      const submitted = await requestException(services, request.value, requester, policy.value);
      if (!submitted.ok) throw new Error(submitted.error.message);
      const { id } = submitted.value.record;
      await state.world.pump();
      for (const [principalId, role] of [
        [legal, 'legal'],
        [security, 'security'],
        [executive, 'executive'],
      ] as const) {
        const subjectHash = approvalSubject(submitted.value.record, policy.value.hash) ?? '';
        await decideException(services, { id, principalId, role, decision: 'approve', subjectHash });
        await state.world.pump();
      }
      await state.world.advanceTo(clock, epochMs(request.value.endsAt + 2 * DAY));
    });
    const executions = await state.runtime.list();
    let transitions = 0;
    for (const { machine, name } of executions)
      transitions += (await state.runtime.history(machine, name)).filter(({ type }) =>
        type.endsWith('StateEntered'),
      ).length;
    const last = state.events.events().at(-1);
    if (last?.type !== 'exception.closed') throw new Error('the exception did not close');
    const swept = Math.round((clock.now() - snapshot.value.takenAt) / (15 * 60_000));
    const result = { ms, transitions, events: state.events.events().length, swept };
    state.close();
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const suite: Suite = {
  name: 'exception',
  async run() {
    const one = await wholeException();
    return [
      await measure(
        'a whole exception of two days, request to certificate',
        'ms',
        5,
        async () => (await wholeException()).ms,
        `virtual clock, every transition synced to disk; ${one.transitions} state transitions, ${one.events} recorded events, about ${one.swept} sweeps in between`,
      ),
      await measure(
        'state transitions of a whole exception',
        'transitions',
        1,
        async () => one.transitions,
        'on Step Functions these are what is billed',
      ),
    ];
  },
};
