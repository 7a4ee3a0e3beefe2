import { describe, expect, it, vi } from 'vitest';
import { HANDLERS } from '../../handlers/index.ts';
import { measure } from '../../handlers/sweep.ts';
import { safeError, telemetry } from '../../handlers/telemetry.ts';
import { AwsCallError } from '../../src/exceptions/index.ts';
import { requestBody, TestApi } from '../api/harness.ts';
import { BEGINS, ENDS, HOUR_MS, LONG_AFTER, MINUTE_MS, simulate } from '../simulation/harness.ts';

const ENVIRONMENT = { PROVISO_SCHEDULE_GROUP: 'proviso-test' };
type Line = Readonly<Record<string, unknown>>;

describe('the logs of the functions', () => {
  it('carry one correlation id from the request to the certificate, and never a prompt, a token or a request', () =>
    simulate(async (simulation) => {
      const lines: string[] = [];
      const table = HANDLERS as Record<string, (typeof HANDLERS)['sweep']>;
      const originals = { ...HANDLERS };
      for (const [name, handle] of Object.entries(originals)) {
        const observe = telemetry(name, ENVIRONMENT, (line) => void lines.push(line));
        table[name] = (event, services) => observe(handle, event, services);
      }
      try {
        const api = new TestApi(simulation);
        const made = await api.call('POST', '/exceptions', {
          as: 'sam',
          body: requestBody(),
          headers: { 'x-correlation-id': 'from-the-request' },
        });
        const { id, subjectHash } = made.body.exception;
        const waits = await simulation.state.services.store.list('wait/');
        for (const [as, role] of [
          ['lena', 'legal'],
          ['priya', 'security'],
          ['omar', 'executive'],
        ] as const)
          await api.call('POST', `/exceptions/${id}/decisions`, {
            as,
            body: { role, decision: 'approve', subjectHash },
          });
        await simulation.advanceTo(BEGINS + HOUR_MS);
        await simulation.invoke('CANARY-prompt');
        await simulation.advanceTo(LONG_AFTER);
        const { body } = await api.call('GET', `/exceptions/${id}`);
        expect(body.exception.state).toBe('closed');

        const parsed = lines.map((line) => JSON.parse(line) as Line);
        const about = parsed.filter((line) => line['exceptionId'] === id && line['event'] !== undefined);
        expect(about.map(({ event }) => event)).toEqual(
          expect.arrayContaining(['exception.active', 'exception.closed']),
        );
        for (const line of about)
          expect(line, JSON.stringify(line)).toMatchObject({ correlationId: 'from-the-request' });
        expect(new Set(parsed.map((line) => line['function'])).size).toBeGreaterThan(10);
        const text = lines.join('\n');
        expect(text).not.toContain('CANARY');
        expect(waits.length).toBeGreaterThan(0);
        for (const { value } of waits) expect(text).not.toContain((value as { taskToken: string }).taskToken);
        expect(text).not.toContain('INC-2026');
        expect(text).not.toContain('injection');
      } finally {
        Object.assign(table, originals);
      }
    }));

  it('say what failed in our own words, or only where', async () => {
    const lines: string[] = [];
    const observe = telemetry('listContent', ENVIRONMENT, (line) => void lines.push(line));
    await simulate(async ({ state: { services } }) => {
      const own = new AwsCallError('throttled', 's3:ListObjectVersions was throttled: SlowDown', false);
      await expect(observe(() => Promise.reject(own), {}, services)).rejects.toBe(own);
      const theirs = new TypeError('cannot read CANARY-prompt of token AAAA');
      const thrown = await observe(() => Promise.reject(theirs), {}, services).catch(
        (error: unknown) => error as Error,
      );
      expect(thrown).toMatchObject({ name: 'TypeError' });
      expect(String((thrown as Error).stack) + String((thrown as Error).message)).not.toContain('CANARY');
    });
    const [first, second] = lines.map((line) => JSON.parse(line) as Line);
    expect(first).toMatchObject({
      level: 'ERROR',
      fault: 'Aws.throttled',
      says: 's3:ListObjectVersions was throttled: SlowDown',
    });
    expect(second).toMatchObject({ level: 'ERROR', fault: 'TypeError', at: expect.stringMatching(/^at /) });
    expect(lines.join()).not.toContain('CANARY');
  });

  it('name the trace of X-Ray, where the invocation is traced', async () => {
    const lines: string[] = [];
    const observe = telemetry('listContent', ENVIRONMENT, (line) => void lines.push(line));
    const fails = () =>
      Promise.reject(new AwsCallError('access-denied', 's3:ListObjectVersions: denied', false));
    vi.stubEnv(
      '_X_AMZN_TRACE_ID',
      'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1',
    );
    try {
      await simulate(async ({ state: { services } }) => {
        await expect(observe(fails, {}, services)).rejects.toThrow();
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
    });
  });

  it('keeps the name that Step Functions decides by', () => {
    expect(safeError(new RangeError('x')).name).toBe('RangeError');
    expect(safeError('CANARY').message).not.toContain('CANARY');
  });
});

describe('the metrics of a sweep', () => {
  it('are those of the alarms: overdue minutes, active leases, duration, faults and the heartbeat', () =>
    simulate(async (simulation) => {
      const lines: string[] = [];
      const observe = telemetry('sweep', ENVIRONMENT, (line) => void lines.push(line));
      const swept = async () => {
        lines.length = 0;
        await observe(HANDLERS.sweep, {}, simulation.state.services, measure);
        return JSON.parse(lines.find((line) => line.includes('"_aws"')) ?? '{}') as Line;
      };
      await simulation.active();
      expect(await swept()).toMatchObject({
        service: 'proviso-test',
        SweepsFinished: 1,
        ActiveLeases: 1,
        OverdueMinutes: 0,
        SweepFaults: 0,
        SweepDuration: expect.any(Number),
      });
      // Nothing can switch off: every detector is refused.
      simulation.fault({
        operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
        kind: 'deny',
        times: 10_000,
      });
      simulation.fault({
        operation: 'bedrock:PutModelInvocationLoggingConfiguration',
        kind: 'deny',
        times: 10_000,
      });
      await simulation.advanceTo(ENDS + 20 * MINUTE_MS);
      expect(simulation.isOn()).toBe(true);
      const late = await swept();
      expect(late).toMatchObject({ ActiveLeases: 0, SweepsFinished: 1 });
      expect(late['OverdueMinutes']).toBeGreaterThanOrEqual(20);
      expect(late['OverdueMinutes']).toBeLessThan(22);
    }));

  it('are not there when the sweep fails: silence is what the alarm is about', () =>
    simulate(async ({ state: { services } }) => {
      const lines: string[] = [];
      const observe = telemetry('sweep', ENVIRONMENT, (line) => void lines.push(line));
      await expect(observe(() => Promise.reject(new Error('x')), {}, services, measure)).rejects.toThrow();
      expect(lines.join()).not.toContain('SweepsFinished');
    }));
});
