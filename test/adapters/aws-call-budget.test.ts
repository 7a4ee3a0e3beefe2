import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BedrockClient } from '@aws-sdk/client-bedrock';
import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import { DescribePolicyCommand, ListRootsCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountAccess, type ClientSettings } from '../../src/adapters/aws/account-access.ts';
import { CALL_RATES, Turns, UNDOCUMENTED_RATE } from '../../src/adapters/aws/call-budget.ts';
import { clientOf, limitCalls } from '../../src/adapters/aws/clients.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';

describe('turns', () => {
  it('never gives more in any span than the burst and the rate allow, and gives them in order', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 80 }),
        (perSecond, pauses) => {
          const turns = new Turns(perSecond);
          let now = 1_000_000;
          const given = pauses.map((pause) => {
            now += pause;
            return now + turns.next(now);
          });
          expect(given).toEqual([...given].sort((one, other) => one - other));
          for (const [from, start] of given.entries())
            for (const [to, end] of given.entries())
              if (to > from)
                expect(to - from + 1).toBeLessThanOrEqual(
                  Math.max(1, perSecond) + ((end - start) / 1000) * perSecond + 1 + 1e-6,
                );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('after a pause the burst is there again, and no more than it', () => {
    const turns = new Turns(4);
    expect([1, 2, 3, 4, 5, 6].map(() => turns.next(0))).toEqual([0, 0, 0, 0, 250, 500]);
    expect([1, 2, 3, 4, 5].map(() => turns.next(3_600_000))).toEqual([0, 0, 0, 0, 250]);
  });
});

/** A client whose answers come from `answers`, one an attempt, and whose clock is moved by sleeping alone. */
function played<C extends CloudTrailClient | OrganizationsClient>(
  Client: new (settings: never) => C,
  answers: readonly { readonly statusCode: number; readonly type?: string }[] = [],
) {
  const slept: number[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  let attempts = 0;
  const handle = async () => {
    const { statusCode, type } = answers[attempts] ?? { statusCode: 200 };
    attempts += 1;
    const headers = type === undefined ? {} : { 'x-amzn-errortype': type };
    return { response: { statusCode, headers, body: Buffer.from('{}') } };
  };
  const client = new Client({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: { handle },
    maxAttempts: 3,
    // No pause of the SDK's own between two attempts: only ours is looked at.
    retryStrategy: {
      acquireInitialRetryToken: async () => token(0),
      refreshRetryTokenForRetry: async (
        of: { getRetryCount(): number },
        { errorType }: { readonly errorType: string },
      ) => {
        if (errorType !== 'THROTTLING') throw new Error('not an error to try again after');
        return token(of.getRetryCount() + 1);
      },
      recordSuccess: () => undefined,
    },
  } as never);
  limitCalls(client, {
    now: () => slept.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms, signal) => {
      slept.push(ms);
      signals.push(signal);
      signal?.throwIfAborted();
    },
  });
  return { client, slept, signals, attempts: () => attempts };
}
const token = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });

describe('a client with a budget', () => {
  it('waits where the rate of its service is used up', async () => {
    const { client, slept } = played(CloudTrailClient);
    for (let call = 0; call < 7; call += 1) await client.send(new DescribeTrailsCommand({}));
    expect(slept).toEqual([200, 200]);
  });

  it('an operation with a rate of its own waits for that', async () => {
    const { client, slept } = played(OrganizationsClient);
    await client.send(new ListRootsCommand({}));
    await client.send(new DescribePolicyCommand({ PolicyId: 'p-1' }));
    await client.send(new DescribePolicyCommand({ PolicyId: 'p-2' }));
    expect(slept).toEqual([1000]);
  });

  it('every attempt of the SDK’s takes a turn', async () => {
    const throttled = { statusCode: 400, type: 'ThrottlingException' };
    const { client, slept, attempts } = played(CloudTrailClient, [throttled, throttled]);
    for (let call = 0; call < 4; call += 1) await client.send(new DescribeTrailsCommand({}));
    expect(attempts()).toBe(6);
    expect(slept).toHaveLength(1);
  });

  it('a call that is aborted does not wait for its turn', async () => {
    const { client, signals, attempts } = played(CloudTrailClient);
    const stop = new AbortController();
    for (let call = 0; call < 5; call += 1) await client.send(new DescribeTrailsCommand({}));
    stop.abort();
    await expect(
      client.send(new DescribeTrailsCommand({}), { abortSignal: stop.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect([signals, attempts()]).toEqual([[stop.signal], 5]);
  });
});

describe('clients are shared', () => {
  const sts = mockClient(STSClient);
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: '111111111111', Arn: 'arn:aws:iam::111111111111:user/c' });
  const OWN = accountId('111111111111');
  const access = () =>
    new AccountAccess({ clock: { now: () => epochMs(0) }, homeRegion: region('us-east-1') });
  const places = (count: number) =>
    ['us', 'eu', 'ap', 'sa', 'ca', 'me', 'af']
      .flatMap((area) => ['east', 'west', 'north', 'south'].map((side) => `${area}-${side}`))
      .flatMap((name) => [1, 2, 3, 4, 5, 6, 7].map((number) => region(`${name}-${number}`)))
      .slice(0, count);

  it('one for each account, Region and service', async () => {
    const of = access();
    const [paris = '', oslo = ''] = places(2);
    const make = async (Client: typeof BedrockClient | typeof CloudTrailClient, place: string) =>
      clientOf<object, BedrockClient | CloudTrailClient>(
        Client as new (
          settings: ClientSettings,
        ) => BedrockClient,
        await of.settingsFor(OWN, region(place)),
      );
    const first = await make(BedrockClient, paris);
    expect(await make(BedrockClient, paris)).toBe(first);
    expect(await make(CloudTrailClient, paris)).not.toBe(first);
    expect(await make(BedrockClient, oslo)).not.toBe(first);
    of.close();
  });

  it('those used least recently are forgotten, so that a thousand accounts do not stay in memory', async () => {
    const of = access();
    const all = places(200);
    const first = all[0] ?? region('us-east-1');
    const kept = await of.settingsFor(OWN, first);
    for (const place of all) {
      await of.settingsFor(OWN, place);
      expect(await of.settingsFor(OWN, first)).toBe(kept);
    }
    for (const place of all.slice(1)) await of.settingsFor(OWN, place);
    expect(await of.settingsFor(OWN, first)).not.toBe(kept);
    of.close();
  });
});

it('docs/permissions.md shows the rates and where they come from', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/permissions.md'), 'utf8');
  const [, table = ''] = /<!-- rates -->\n([\s\S]+?)\n<!-- \/rates -->/.exec(page) ?? [];
  const rows = [...Object.entries(CALL_RATES), ['all others', UNDOCUMENTED_RATE] as const].map(
    ([service, { perSecond, operations = {}, source }]) => {
      const own = Object.entries(operations).map(([name, rate]) => `; ${name} ${rate}`);
      return `| ${service} | ${perSecond}${own.join('')} | ${source} |`;
    },
  );
  expect(table.split('\n').slice(2)).toEqual(rows);
});
