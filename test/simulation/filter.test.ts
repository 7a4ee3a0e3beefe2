import { describe, expect, it } from 'vitest';
import { principalId } from '../../src/core/index.ts';
import { BODY_WAITS, drain, hold } from '../../src/enforcement/index.ts';
import {
  BEGINS,
  BUCKET,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  MINUTE_MS,
  type Moment,
  PAIR,
  policyText,
  type Simulation,
  type SimulationOptions,
  simulate,
  VAULT_KEY,
} from './harness.ts';

/* Filter-and-purge: of what Bedrock delivers of everybody, only the subjects' records are kept, whatever breaks in between. */

type Id = Parameters<Simulation['record']>[0];
const POLICY = policyText(['topologies: [dedicated]', 'topologies: [dedicated, filter-and-purge]']);
const STRANGER = `arn:aws:sts::${INCIDENT}:assumed-role/Other/eve`;
const LARGE = 120_000;

const filtering = <T>(play: (s: Simulation) => Promise<T>, options: SimulationOptions = {}) =>
  simulate(play, { policy: POLICY, ...options });
const active = (s: Simulation) => s.active({ topology: 'filter-and-purge' });

/** Objects below a part of the exception's own prefix, by key, past every port of ours. */
const below = (s: Simulation, id: Id, part: 'raw' | 'vault' | 'drain') =>
  (
    s.state.aws.database
      .prepare(
        'SELECT key, body FROM versions WHERE bucket = ? AND key LIKE ? AND delete_marker = 0 AND length(body) > 0 ORDER BY seq',
      )
      .all(BUCKET, `incidents/${id}/${part}/%`) as { key: string; body: Uint8Array }[]
  ).map(({ key, body }) => ({ key, text: Buffer.from(body).toString('utf8') }));
/** The records of the vault, one for each request: an unversioned look, as a reader has it. */
const kept = (s: Simulation, id: Id): readonly string[] => {
  const latest = new Map(below(s, id, 'vault').map(({ key, text }) => [key, text]));
  return [...latest].filter(([key]) => key.endsWith('.jsonl')).flatMap(([, text]) => text.trim().split('\n'));
};
/** Everything that the state and the embedded AWS hold, searched as bytes. */
const isAnywhere = (s: Simulation, canary: string): boolean =>
  Number(
    (
      s.state.aws.database
        .prepare('SELECT count(*) AS n FROM versions WHERE instr(body, CAST(? AS BLOB)) > 0')
        .get(canary) as { n: number }
    ).n,
  ) > 0;

describe('an exception that is filtered', () => {
  it('keeps the records of its subjects, counts others without naming them, and purges all of it in the end', () =>
    filtering(async (s) => {
      const id = await active(s);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await s.invoke(`CANARY-large-mine${'x'.repeat(LARGE)}`);
      await s.invoke(`CANARY-large-theirs${'x'.repeat(LARGE)}`, STRANGER);
      expect(below(s, id, 'raw').length).toBeGreaterThan(5);
      await s.advance(11 * MINUTE_MS);
      expect(below(s, id, 'raw')).toEqual([]);
      expect(kept(s, id)).toHaveLength(2);
      expect(below(s, id, 'vault').some(({ text }) => text.startsWith('CANARY-large-mine'))).toBe(true);
      for (const canary of ['CANARY-of-a-stranger', 'CANARY-large-theirs'])
        expect(isAnywhere(s, canary), canary).toBe(false);
      const record = await s.record(id);
      expect(record.filtered).toMatchObject({
        batches: 5,
        kept: 2,
        keptBodies: 1,
        others: 3,
        otherIdentities: 1,
        deletedBodies: 1,
      });
      expect(JSON.stringify(await s.state.services.store.list(''))).not.toContain('Other/eve');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      expect(s.certificates()[0]).toMatchObject({ filtered: { kept: 2, others: 3, otherIdentities: 1 } });
      // The hashes of others go with the purge, the figures stay.
      expect(
        JSON.stringify(await s.state.services.store.read(`drain/${id}/${INCIDENT}/us-east-1`)),
      ).toContain('"others":{}');
    }));

  it('filters what was delivered last before it purges, with the drain of the schedule dead', () =>
    filtering(async (s) => {
      const id = await active(s);
      s.mute('drainContent');
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await s.advanceTo(ENDS - 1);
      expect(below(s, id, 'raw').length).toBeGreaterThan(0);
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('closed');
      expect(record.filtered).toMatchObject({ kept: 1, others: 1 });
    }));

  it('where the drain keeps failing, what is raw is purged unread: kept is nothing', () =>
    filtering(async (s) => {
      const id = await active(s);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      s.fault({ operation: 's3:GetObject', kind: 'deny', times: 100_000 });
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      expect(record.filtered).toBeUndefined();
      expect(s.events('filter.purged-unread')).toHaveLength(1);
    }));

  it('a legal hold keeps what is in scope, and nothing raw of anybody', () =>
    filtering(async (s) => {
      const id = await active(s);
      expect(
        (await hold(s.state.services, id, principalId('lena'), { reference: 'LIT-1', reason: 'litigation' }))
          .ok,
      ).toBe(true);
      await s.advanceTo(ENDS - MINUTE_MS);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('draining');
      expect(below(s, id, 'raw')).toEqual([]);
      expect(kept(s, id)).toHaveLength(1);
      expect(isAnywhere(s, 'CANARY-of-a-stranger')).toBe(false);
    }));

  it('a legal hold with a vault moves what was kept of the subjects, and nothing else', () =>
    filtering(async (s) => {
      const id = await active(s);
      const vault = { bucketName: s.makeVault(), keyPrefix: '', kmsKeyArn: VAULT_KEY };
      const asked = { reference: 'LIT-1', reason: 'litigation', vault };
      expect((await hold(s.state.services, id, principalId('lena'), asked)).ok).toBe(true);
      await s.advanceTo(ENDS - MINUTE_MS);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('purging');
      expect(kept(s, id)).toEqual([]);
      const moved = await s.state.services.vaultCopies.listVersions(PAIR, vault.bucketName, '');
      expect(moved.map(({ key }) => key)).toEqual([expect.stringContaining(`/${id}/vault/`)]);
      expect(isAnywhere(s, 'CANARY-of-a-stranger')).toBe(false);
    }));

  it('under a legal hold too, what cannot be filtered after the quiet time is deleted unread', () =>
    filtering(async (s) => {
      const id = await active(s);
      await s.advance(11 * MINUTE_MS);
      expect(
        (await hold(s.state.services, id, principalId('lena'), { reference: 'LIT-1', reason: 'litigation' }))
          .ok,
      ).toBe(true);
      await s.advanceTo(ENDS - MINUTE_MS);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      s.fault({ operation: 's3:GetObject', kind: 'deny', times: 100_000 });
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      expect(below(s, id, 'raw')).toEqual([]);
      expect(kept(s, id)).toHaveLength(1);
      expect(s.events('filter.purged-unread')).toHaveLength(1);
    }));

  it('a batch that cannot be filtered is deleted, counted and told', () =>
    filtering(async (s) => {
      const id = await active(s);
      s.deliverRaw(id, 'damaged.json.gz', Buffer.from([0x1f, 0x8b, 1, 2]));
      await s.advance(11 * MINUTE_MS);
      expect(below(s, id, 'raw')).toEqual([]);
      expect((await s.record(id)).filtered).toMatchObject({ batches: 1, droppedBatches: 1 });
      expect(s.events('filter.dropped')).toHaveLength(1);
    }));

  it('a large body that no record names is deleted after half an hour; one that comes late is kept with its record', () =>
    filtering(async (s) => {
      const id = await active(s);
      await s.invoke(`CANARY-large-mine${'x'.repeat(LARGE)}`);
      const [body] = below(s, id, 'raw').filter(({ key }) => key.includes('/data/'));
      if (body === undefined) throw new Error('no large body was delivered');
      // The record first, its body minutes later.
      s.state.aws.database.prepare('DELETE FROM versions WHERE key = ?').run(body.key);
      s.deliverRaw(id, 'data/nobody_input.json', 'CANARY-nobodys');
      await s.advance(11 * MINUTE_MS);
      s.state.aws.storage.putObject(BUCKET, body.key, body.text);
      await s.advance(11 * MINUTE_MS);
      expect(below(s, id, 'vault').some(({ text }) => text === body.text)).toBe(true);
      expect(isAnywhere(s, 'CANARY-nobodys')).toBe(true);
      await s.advance(BODY_WAITS);
      expect(isAnywhere(s, 'CANARY-nobodys')).toBe(false);
      expect((await s.record(id)).filtered).toMatchObject({ keptBodies: 1, deletedBodies: 1 });
    }));

  it('is refused where the policy does not allow it, or for a log group', async () => {
    await simulate(async (s) => {
      expect(await s.submit({ topology: 'filter-and-purge' })).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('exceptions.scope.topologies') },
      });
    });
    await filtering(async (s) => {
      const destination = `{ kind: cloudwatch-logs, logGroupName: /i, roleArn: "arn:aws:iam::${INCIDENT}:role/x", kmsKeyArn: "arn:aws:kms:us-east-1:${INCIDENT}:key/a" }`;
      expect(await s.submit({ topology: 'filter-and-purge', destination })).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('a log group cannot be filtered') },
      });
    });
  });

  it('is not switched on where a reader could read raw records', () =>
    filtering(async (s) => {
      const id = await s.approved({ topology: 'filter-and-purge' });
      const features = await s.state.services.inspection.inspectBucket(
        { accountId: INCIDENT, region: (await s.record(id)).request.region },
        BUCKET,
      );
      if (features.policy.kind !== 'observed') throw new Error('no policy');
      const policy = JSON.parse(features.policy.value) as { Statement: { Sid: string }[] };
      const Statement = policy.Statement.filter(({ Sid }) => Sid !== 'OnlyTheDrainReadsRaw');
      expect(Statement).toHaveLength(policy.Statement.length - 1);
      s.state.aws.stacks.setBucketFeatures(BUCKET, { policy: JSON.stringify({ ...policy, Statement }) });
      await s.advanceTo(BEGINS + HOUR_MS / 2);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain('is not certainly kept from the raw records of everybody');
      expect(s.switched).toEqual([]);
    }));
});

describe('a drain that dies at any moment', () => {
  /** What three records of a subject and two of a stranger must come to. */
  const play = async (s: Simulation, id: Id): Promise<void> => {
    for (const prompt of ['one', 'two', `large${'x'.repeat(LARGE)}`]) await s.invoke(prompt);
    await s.invoke('CANARY-of-a-stranger', STRANGER);
    await s.invoke(`CANARY-of-a-stranger${'x'.repeat(LARGE)}`, STRANGER);
    await s.surviving(() => drain(s.state.services, id, 'meanwhile'));
    await s.surviving(() => drain(s.state.services, id, 'meanwhile'));
  };
  /** Four of the subject: `active` made the first. */
  const expectFiltered = async (s: Simulation, id: Id, at: string): Promise<void> => {
    expect(below(s, id, 'raw'), at).toEqual([]);
    expect(kept(s, id), at).toHaveLength(4);
    expect(isAnywhere(s, 'CANARY-of-a-stranger'), at).toBe(false);
    expect((await s.record(id)).filtered, at).toMatchObject({
      batches: 6,
      kept: 4,
      keptBodies: 1,
      others: 2,
      otherIdentities: 1,
      deletedBodies: 1,
    });
  };

  it('loses nothing in scope, counts nothing twice, and keeps nothing of others', {
    timeout: 60_000,
  }, async () => {
    let isDraining = false;
    const moments: string[] = [];
    const whole = (crash?: (moment: Moment) => boolean) =>
      filtering(
        async (s) => {
          isDraining = false;
          const id = await active(s);
          s.mute('drainContent');
          isDraining = true;
          await play(s, id);
          await expectFiltered(s, id, moments.at(-1) ?? 'undisturbed');
        },
        crash === undefined ? {} : { crash },
      );
    await whole(({ when, what }) => {
      if (isDraining) moments.push(`${when} ${what}`);
      return false;
    });
    expect(moments.length).toBeGreaterThan(12);
    const last = moments.lastIndexOf('after drainage.deleteRaw');
    for (let fatal = 0; fatal <= last; fatal++) {
      let seen = -1;
      await whole(() => isDraining && ++seen === fatal);
    }
  });

  it('two runs at once count once', () =>
    filtering(async (s) => {
      const id = await active(s);
      s.mute('drainContent');
      for (const prompt of ['one', 'two']) await s.invoke(prompt);
      await s.invoke('CANARY-of-a-stranger', STRANGER);
      await Promise.all([1, 2, 3].map(() => drain(s.state.services, id, 'meanwhile')));
      expect(kept(s, id)).toHaveLength(3);
      expect((await s.record(id)).filtered).toMatchObject({ batches: 4, kept: 3, others: 1 });
    }));
});
