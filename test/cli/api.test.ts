import { createHash, createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { apiClient, sigV4 } from '../../src/adapters/http/index.ts';
import { type LocalServer, startServer } from '../../src/cli/server.ts';
import { epochMs } from '../../src/core/index.ts';
import {
  INCIDENT,
  POLICY_TEXT,
  requestText,
  type Simulation,
  SOMEBODYS,
  simulate,
  VIRGINIA,
} from '../simulation/harness.ts';
import { type CliRun, run, SCRATCH, testContext } from './harness.ts';

const folder = mkdtempSync(join(SCRATCH, 'proviso-api-'));
const requestFile = join(folder, 'request.yaml');
writeFileSync(requestFile, requestText());
const malformedFile = join(folder, 'malformed.yaml');
writeFileSync(malformedFile, requestText().replace('retention: 7d', 'retention: 7'));
const refusedFile = join(folder, 'refused.yaml');
writeFileSync(refusedFile, requestText({ account: '123456789012' }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Served {
  readonly simulation: Simulation;
  readonly server: LocalServer;
  readonly log: string[];
  readonly token: (who: string) => string;
}

const serving = (play: (served: Served) => Promise<void>) =>
  simulate(async (simulation) => {
    const log: string[] = [];
    // A second passes between two calls: nobody here meets the limit.
    let seconds = 0;
    const context = testContext({
      stderr: { write: (text) => void log.push(text) },
      clock: { now: () => epochMs(Date.UTC(2026, 10, 20) + 1000 * seconds++) },
    });
    const server = await startServer(simulation.state, { state: simulation.directory, port: 0 }, context);
    try {
      await play({
        simulation,
        server,
        log,
        token: (who) => readFileSync(join(simulation.directory, 'api-tokens', who), 'utf8').trim(),
      });
    } finally {
      await server.close();
    }
  });

/** What one person types after another; `HASH` and `ID` are filled in from what was shown. */
const SESSION: readonly (readonly string[])[] = [
  ['list'],
  ['status'],
  ['preview', malformedFile, '--as', 'sam'],
  ['preview', refusedFile, '--as', 'sam'],
  ['preview', requestFile, '--as', 'sam'],
  ['preview', requestFile, '--as', 'sam', '--format', 'json'],
  ['report'],
  ['request', malformedFile, '--as', 'sam'],
  ['request', refusedFile, '--as', 'sam'],
  ['request', refusedFile, '--as', 'sam', '--format', 'json'],
  ['request', requestFile, '--as', 'sam'],
  ['list'],
  ['list', '--format', 'json'],
  ['show', 'ID'],
  ['status'],
  ['status', '--format', 'json'],
  ['siem-window'],
  ['siem-window', '--publish', '--format', 'text'],
  ['sheet', 'ID'],
  ['show', 'ex-000000000000'],
  ['approve', 'ID', '--as', 'lena', '--role', 'legal', '--hash', '0123456789abcdef'],
  ['approve', 'ID', '--as', 'sam', '--role', 'security', '--hash', 'HASH'],
  ['approve', 'ID', '--as', 'lena', '--role', 'legal', '--hash', 'HASH', '--reason', 'needed'],
  ['approve', 'ID', '--as', 'lena', '--role', 'legal', '--hash', 'HASH', '--format', 'json'],
  ['take-back', 'ID', '--as', 'lena', '--reason', 'too wide'],
  ['approve', 'ID', '--as', 'lena', '--role', 'legal', '--hash', 'HASH', '--format', 'json'],
  ['withdraw', 'ID', '--as', 'dora', '--reason', 'not mine'],
  ['close-unproven', 'ID', '--as', 'lena', '--reason', 'cannot be'],
  ['certificate', 'ID'],
  ['revoke', 'ID', '--as', 'priya', '--reason', 'over'],
  ['timeline', 'ID'],
  ['status'],
  ['status', '--all'],
  ['report', '--quarter', '2026Q4'],
  ['report', '--quarter', '2026Q4', '--format', 'json'],
  ['report', '--quarter', '2026Q4', '--format', 'markdown'],
  ['report', '--quarter', '2026Q4', '--format', 'csv'],
  ['report', '--quarter', '2026Q1'],
  ['report', '--quarter', '2026Q5'],
  ['reject', 'ID', '--as', 'omar', '--role', 'executive', '--hash', 'HASH'],
];

/** Ids of calls, and what says how somebody proved who they are, differ by design; hashes do not. */
const comparable = ({ exitCode, stdout, stderr }: CliRun) => ({
  exitCode,
  stdout: stdout.replaceAll(/"correlationId":"[^"]+",/g, ''),
  stderr,
});

async function session(more: (who: string | undefined) => readonly string[]): Promise<CliRun[]> {
  const runs: CliRun[] = [];
  let id = '';
  let hash = '';
  for (const words of SESSION) {
    const who = words.includes('--as') ? words[words.indexOf('--as') + 1] : undefined;
    const argv = words.map((word) => (word === 'ID' ? id : word === 'HASH' ? hash : word));
    const ran = await run(['exception', ...argv, ...more(who)]);
    id ||= /^(ex-\w{12}) is submitted/.exec(ran.stdout)?.[1] ?? '';
    hash ||= /--hash ([0-9a-f]+)/.exec(ran.stdout)?.[1] ?? '';
    runs.push(comparable(ran));
  }
  expect(id).not.toBe('');
  expect(hash).not.toBe('');
  return runs;
}

describe('the command line through the API', () => {
  it('has the output and the exit codes of the same commands over the state', async () => {
    let local: CliRun[] = [];
    await simulate(async (simulation) => {
      simulation.shut();
      local = await session(() => ['--state', simulation.directory]);
    });
    let remote: CliRun[] = [];
    await serving(async ({ simulation, server }) => {
      remote = await session((who) => [
        '--api',
        server.address,
        '--state',
        simulation.directory,
        ...(who === undefined ? ['--token-file', join(simulation.directory, 'api-tokens', 'priya')] : []),
      ]);
    });
    for (const [index, words] of SESSION.entries())
      expect(remote[index], words.join(' ')).toEqual(local[index]);
    expect(new Set(local.map(({ exitCode }) => exitCode))).toEqual(new Set([0, 1, 2]));
  });

  it('while content storage is on, and what is planned, says what the state says', async () => {
    const commands = [
      ['status'],
      ['status', '--format', 'json'],
      ['siem-window'],
      ['siem-window', '--publish'],
      ['report', '--format', 'json'],
    ];
    await serving(async ({ simulation, server }) => {
      const id = await simulation.active();
      const ask = (where: readonly string[]) =>
        Promise.all(commands.map(async (words) => comparable(await run(['exception', ...words, ...where]))));
      const token = join(simulation.directory, 'api-tokens', 'priya');
      const remote = await ask(['--api', server.address, '--token-file', token]);
      await server.close();
      simulation.shut();
      const local: CliRun[] = [];
      for (const words of commands)
        local.push(comparable(await run(['exception', ...words, '--state', simulation.directory])));
      expect(remote).toEqual(local);
      expect(local[0]?.stdout).toContain(`1 of ours on`);
      expect(local[2]?.stdout).toContain(`"exceptionId":"${id}"`);
      const published = readFileSync(join(simulation.directory, 'notifications.ndjson'), 'utf8');
      // Once by each: two calls with keys of their own, not one that was repeated.
      expect(published.match(/exception\.planned-changes/g)).toHaveLength(2);
    });
  });

  it('a preview takes no snapshot to a deployment', () =>
    serving(async ({ server }) => {
      const ran = await run([
        'exception',
        'preview',
        requestFile,
        '--snapshot',
        folder,
        '--api',
        server.address,
      ]);
      expect(ran.exitCode).toBe(2);
      expect(ran.stderr).toContain('`--snapshot` is for a state directory');
    }));

  it('takes address and token from the environment', () =>
    serving(async ({ simulation, server }) => {
      const env = {
        PROVISO_API: server.address,
        PROVISO_API_TOKEN_FILE: join(simulation.directory, 'api-tokens', 'lena'),
      };
      expect((await run(['exception', 'list'], { env })).stdout).toBe('there are no exceptions\n');
    }));

  it('says what is wrong with an address, a token, an answer', () =>
    serving(async ({ simulation, server }) => {
      const list = (...more: string[]) => run(['exception', 'list', ...more]);
      expect(await list('--api', 'http://example.com')).toMatchObject({ exitCode: 2 });
      expect(await list('--api', 'https://user:secret@example.com')).toMatchObject({ exitCode: 2 });
      expect((await list('--api', server.address)).stderr).toContain('nobody was named');
      const token = join(folder, 'token');
      writeFileSync(token, 'A'.repeat(43), { mode: 0o600 });
      const refused = await list('--api', server.address, '--token-file', token);
      expect(refused).toMatchObject({ exitCode: 4 });
      expect(refused.stderr).toContain('nobody’s');
      chmodSync(token, 0o644);
      expect((await list('--api', server.address, '--token-file', token)).stderr).toContain('0600');
      const own = join(simulation.directory, 'api-tokens', 'lena');
      await server.close();
      const gone = await list('--api', server.address, '--token-file', own);
      expect(gone).toMatchObject({ exitCode: 4 });
      expect(gone.stderr).toContain('ECONNREFUSED');
    }));

  it('refuses somebody else’s token for a person', () =>
    serving(async ({ simulation, server }) => {
      const own = join(simulation.directory, 'api-tokens', 'lena');
      const ran = await run([
        'exception',
        'request',
        requestFile,
        '--as',
        'sam',
        '--api',
        server.address,
        '--token-file',
        own,
      ]);
      expect(ran.exitCode).toBe(2);
      expect(ran.stderr).toContain('`sam` acts, but `lena` calls');
    }));
});

describe('proviso serve', () => {
  it('makes a token for each active person that nobody else can read, and keeps it', () =>
    serving(async ({ simulation, token }) => {
      const file = join(simulation.directory, 'api-tokens', 'sam');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(token('sam')).toMatch(/^[\w-]{43}$/);
      expect(() => token('gone')).toThrow();
      const before = token('sam');
      const again = await startServer(
        simulation.state,
        { state: simulation.directory, port: 0 },
        testContext(),
      );
      await again.close();
      expect(token('sam')).toBe(before);
    }));

  it('is open to nobody without a token, under another name, or from a page', () =>
    serving(async ({ server, token }) => {
      const call = async (headers: Record<string, string>) =>
        (await fetch(`${server.address}/health`, { headers })).status;
      const bearer = { authorization: `Bearer ${token('lena')}` };
      expect(await call(bearer)).toBe(200);
      expect(await call({})).toBe(401);
      expect(await call({ authorization: 'Basic bGVuYTpsZW5h' })).toBe(401);
      expect(await call({ ...bearer, origin: 'http://evil.example' })).toBe(401);
      const rebound = await new Promise<number>((resolve, reject) => {
        const { port } = new URL(server.address);
        void import('node:http').then(({ get }) =>
          get(
            { host: '127.0.0.1', port, path: '/health', headers: { ...bearer, host: 'evil.example' } },
            (answer) => resolve(answer.statusCode ?? 0),
          ).on('error', reject),
        );
      });
      expect(rebound).toBe(401);
    }));

  it('puts a policy in force by its owner, and no loosening without the reviewers', () =>
    serving(async ({ simulation, server }) => {
      const adopt = (text: string, as: string, ...more: string[]) => {
        const file = join(folder, 'policy.yaml');
        writeFileSync(file, text);
        const at = ['--api', server.address, '--state', simulation.directory, '--as', as];
        return run(['policy', 'adopt', '--policy', file, ...at, ...more]);
      };
      const stricter = POLICY_TEXT.replace('denied: [', 'denied: [batch-inference, ');
      expect(await adopt(stricter, 'sam')).toMatchObject({ exitCode: 1 });
      simulation.editPeople(
        'id: dora, name: Dora Novak, roles: [data-protection]',
        'id: dora, name: Dora Novak, roles: [policy-owner]',
      );
      expect(await adopt(stricter, 'dora')).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('is in force'),
      });
      const loosened = await adopt(POLICY_TEXT, 'dora');
      expect([loosened.exitCode, loosened.stdout + loosened.stderr]).toEqual([
        1,
        expect.stringContaining('needs the approval'),
      ]);
      expect((await adopt(POLICY_TEXT, 'dora', '--approvals', requestFile)).exitCode).toBe(2);
      const here = await run([
        'policy',
        'adopt',
        '--state',
        simulation.directory,
        '--as',
        'dora',
        '--signers',
        requestFile,
      ]);
      expect(here.exitCode).toBe(2);
    }));

  it('shows the plan of a policy that enforces, and adopts it by its confirmation, as on the state', async () => {
    const file = join(folder, 'enforcing.yaml');
    writeFileSync(file, POLICY_TEXT.replace('  enforcement: observe\n', '  enforcement: enforce\n'));
    const play = async (where: readonly string[], who: readonly string[]) => {
      const plan = () => run(['enforce', 'plan', '--policy', file, ...where]);
      const adopt = (...more: string[]) =>
        run(['policy', 'adopt', '--policy', file, ...where, ...who, ...more]);
      const shown = await plan();
      const hash = /^plan ([0-9a-f]{16})$/m.exec(shown.stdout)?.[1] ?? '';
      expect(hash).not.toBe('');
      return [
        shown,
        await run(['enforce', 'plan', '--policy', file, '--format', 'json', ...where]),
        await adopt(),
        await adopt('--confirm-plan', '0123456789abcdef'),
        await adopt('--confirm-plan', hash),
      ];
    };
    const owned = (simulation: Simulation) =>
      simulation.editPeople(
        'id: dora, name: Dora Novak, roles: [data-protection]',
        'id: dora, name: Dora Novak, roles: [policy-owner]',
      );
    let local: CliRun[] = [];
    await simulate(async (simulation) => {
      owned(simulation);
      simulation.shut();
      local = await play(['--state', simulation.directory], ['--as', 'dora']);
    });
    await serving(async ({ simulation, server }) => {
      owned(simulation);
      const token = join(simulation.directory, 'api-tokens', 'dora');
      const remote = await play(['--api', server.address, '--token-file', token], []);
      expect(remote).toEqual(local);
      const other = join(simulation.directory, 'api-tokens', 'lena');
      const at = ['--policy', file, '--api', server.address, '--token-file', other];
      expect((await run(['enforce', 'plan', ...at])).stderr).toContain('policy-owner');
    });
    expect(local.map(({ exitCode }) => exitCode).slice(2)).toEqual([1, 1, 0]);
  });

  it('takes over what somebody else configured, with the restore file, as on the state', async () => {
    const play = async (where: readonly string[], who: (id: string) => readonly string[], file: string) => {
      const adopt = (id: string, ...more: string[]) => run(['adopt', ...where, ...who(id), ...more]);
      const what = [
        '--account',
        INCIDENT,
        '--region',
        VIRGINIA,
        '--setting',
        'invocation-logging',
        '--reason',
        'agreed',
      ];
      const runs = [
        await adopt('priya', '--format', 'json'),
        await adopt('lena', ...what, '--out', file),
        await adopt('priya', ...what, '--out', file),
        await adopt('priya', ...what, '--out', file),
        await adopt('priya', ...what, '--out', `${file}.2`),
        await adopt('priya', '--format', 'json'),
      ];
      return { runs, restore: JSON.parse(readFileSync(file, 'utf8')) as unknown };
    };
    const file = join(folder, 'restore.json');
    let local: Awaited<ReturnType<typeof play>> | undefined;
    await simulate(async (simulation) => {
      simulation.somebodyPuts(SOMEBODYS);
      simulation.shut();
      local = await play(['--state', simulation.directory], (id) => ['--as', id], file);
    });
    rmSync(file);
    await serving(async ({ simulation, server }) => {
      simulation.somebodyPuts(SOMEBODYS);
      const remote = await play(
        ['--api', server.address],
        (id) => ['--token-file', join(simulation.directory, 'api-tokens', id)],
        file,
      );
      expect(remote).toEqual(local);
      expect(
        await simulation.state.services.settings.getInvocationLogging({
          accountId: INCIDENT,
          region: VIRGINIA,
        }),
      ).toMatchObject({ kind: 'absent' });
      const outside = await run([
        'adopt',
        '--api',
        server.address,
        '--token-file',
        join(simulation.directory, 'api-tokens', 'priya'),
        ...['--account', '123456789012', '--region', VIRGINIA, '--setting', 'data-retention'],
        ...['--reason', 'x', '--out', `${file}.3`],
      ]);
      expect([outside.exitCode, outside.stderr]).toEqual([
        1,
        expect.stringContaining('not of the organization'),
      ]);
    });
    expect(local?.runs.map(({ exitCode }) => exitCode)).toEqual([0, 1, 0, 2, 1, 0]);
    expect(local?.runs.at(-1)?.stdout).toContain('"kind":"RestoreFile"');
  });

  it('answers with the check of the state as it is', () =>
    serving(async ({ server, token }) => {
      const answer = await fetch(`${server.address}/findings`, {
        headers: { authorization: `Bearer ${token('lena')}` },
      });
      const report = (await answer.json()) as { kind: string; findings: unknown[] };
      expect(report.kind).toBe('CheckReport');
      expect(report.findings.length).toBeGreaterThan(0);
    }));

  it('logs calls without what was sent', () =>
    serving(async ({ simulation, server, token, log }) => {
      await run([
        'exception',
        'request',
        requestFile,
        '--as',
        'sam',
        '--api',
        server.address,
        '--state',
        simulation.directory,
      ]);
      const lines = log.map((line) => JSON.parse(line) as object);
      expect(lines).toEqual([
        expect.objectContaining({ method: 'POST', route: '/exceptions', status: 201, caller: 'sam' }),
      ]);
      expect(log.join('')).not.toContain(token('sam'));
      expect(log.join('')).not.toContain('INC-2026');
    }));
});

describe('a signed call', () => {
  it('has a Signature Version 4 for execute-api that its receiver can compute again', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
    const seen: { headers: Record<string, string | string[] | undefined>; url: string; body: string }[] = [];
    const receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        seen.push({ headers: request.headers, url: request.url ?? '', body });
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
    try {
      const url = new URL(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/prod`);
      await apiClient(url, sigV4(url, 'eu-central-1')).call('revokeException', {
        params: { id: 'ex-000000000000' },
        body: { reason: 'über' },
      });
      await apiClient(url, sigV4(url, 'eu-central-1')).call('getReport', { params: { quarter: '2026Q4' } });
    } finally {
      receiver.close();
      vi.unstubAllEnvs();
    }
    expect(seen.map(({ url }) => url)).toEqual([
      '/prod/exceptions/ex-000000000000/revocation',
      '/prod/report?quarter=2026Q4',
    ]);
    for (const { headers, url, body } of seen) {
      const found = /Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)/.exec(
        String(headers['authorization']),
      );
      const [, credential = '', names = '', signature = ''] = found ?? [];
      const [, date = '', region = '', service = ''] = credential.split('/');
      expect([region, service]).toEqual(['eu-central-1', 'execute-api']);
      expect(names.split(';')).toEqual(
        expect.arrayContaining(['host', 'x-amz-date', ...(body === '' ? [] : ['idempotency-key'])]),
      );
      const sha = (text: string) => createHash('sha256').update(text).digest('hex');
      const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
      const [path = '', query = ''] = url.split('?');
      const canonical = [
        body === '' ? 'GET' : 'POST',
        path,
        query,
        ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
        '',
        names,
        sha(body),
      ].join('\n');
      const scope = `${date}/${region}/${service}/aws4_request`;
      const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha(canonical)].join('\n');
      const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
        hmac,
        'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      );
      expect(signature).toBe(hmac(key, toSign).toString('hex'));
    }
  });
});
