import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from '../../handlers/index.ts';
import { INCIDENT, simulate } from '../simulation/harness.ts';

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded?: boolean;
}

const LAMBDA_SENDS = 6 * 1024 * 1024;
const repeated = (bytes: number) => ({ findings: [], policy: 'x'.repeat(bytes) });
/** No compression makes it much smaller than half. */
const random = (bytes: number) => ({ findings: [], policy: randomBytes(bytes / 2).toString('hex') });

/** What the function gives API Gateway for `GET /findings`, where the last report is this one. */
async function findings(report: object, acceptEncoding?: string): Promise<Answer> {
  let answer: Answer | undefined;
  await simulate(async ({ state }) => {
    Object.assign(state.services, {
      checks: { latest: async () => ({ kind: 'CheckReport', schemaVersion: 1, ...report }) },
      callers: { withUserName: async (name: string) => [name] },
      callerRoles: ['People'],
    });
    const iam = { accountId: INCIDENT, userArn: `arn:aws:sts::${INCIDENT}:assumed-role/People/lena` };
    answer = (await HANDLERS.api(
      {
        rawPath: '/findings',
        headers: acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding },
        requestContext: { accountId: INCIDENT, http: { method: 'GET' }, authorizer: { iam } },
      },
      state.services,
    )) as Answer;
  });
  if (answer === undefined) throw new Error('no answer');
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(LAMBDA_SENDS);
  return answer;
}

describe('the answers of the API function', () => {
  it('are compressed where they are large and the caller takes it, and come out whole', async () => {
    const report = repeated(8 * 1024 * 1024);
    const { statusCode, headers, body, isBase64Encoded } = await findings(report, 'br, gzip, deflate');
    expect([statusCode, headers['content-encoding'], isBase64Encoded]).toEqual([200, 'gzip', true]);
    expect(JSON.parse(gunzipSync(Buffer.from(body, 'base64')).toString())).toMatchObject(report);
  });

  it('are sent as they are where they are small, and to a caller who takes no gzip', async () => {
    for (const [bytes, accepts] of [
      [1000, 'gzip'],
      [2 * 1024 * 1024, undefined],
      [2 * 1024 * 1024, 'identity;q=1, x-gzip-like'],
    ] as const) {
      const { statusCode, headers, body, isBase64Encoded } = await findings(repeated(bytes), accepts);
      expect([statusCode, headers['content-encoding'], isBase64Encoded]).toEqual([200, undefined, undefined]);
      expect(JSON.parse(body)).toMatchObject(repeated(bytes));
    }
  });

  it.each([
    ['to a caller who takes no gzip', repeated(8 * 1024 * 1024), undefined, 'send accept-encoding: gzip'],
    ['that no compression makes small', random(12 * 1024 * 1024), 'gzip', 'reports/latest.json'],
  ])('are refused, never cut, where Lambda would drop them: %s', async (_name, report, accepts, remedy) => {
    const { statusCode, headers, body } = await findings(report, accepts);
    expect([statusCode, headers['content-type']]).toEqual([500, 'application/problem+json']);
    const problem = JSON.parse(body) as Record<string, string>;
    expect(problem).toMatchObject({ code: 'ANSWER_TOO_LARGE', exitCode: 4 });
    expect(problem['remedy']).toContain(remedy);
    expect(problem['correlationId']).toMatch(/^[A-Za-z0-9._-]{8,64}$/);
  });
});
