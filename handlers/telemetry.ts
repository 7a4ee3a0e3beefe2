import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { isExceptionId } from '../src/core/index.ts';
import type { Services } from '../src/enforcement/index.ts';
import { AwsCallError, ConflictError, correlating, NoPolicyInForce } from '../src/exceptions/index.ts';
import type { Handle } from './index.ts';

/*
 * What a function tells of itself: structured logs and metrics in the embedded format (Powertools for AWS Lambda). Only
 * ids, types, figures and names of errors: never an event's data, a message of AWS or of a parser, a task token, a request.
 */

/** The namespace and the names are those of the alarms and the dashboard in deploy/governance.yml. */
const NAMESPACE = 'Proviso';
export type Figures = Readonly<
  Partial<
    Record<'OverdueMinutes' | 'ActiveLeases' | 'SweepsFinished' | 'SweepDuration' | 'SweepFaults', number>
  >
>;

/** Whose messages are our own words, without anything that was sent. */
const OWN = [AwsCallError, ConflictError, NoPolicyInForce];
const isOwn = (error: unknown): error is Error =>
  OWN.some((kind) => error instanceof kind) ||
  (error instanceof Error && error.name === 'ConfigurationError');

/** What may leave of an error: its name, which Step Functions decides by, and words only where they are ours. */
export function safeError(error: unknown): Error {
  if (isOwn(error)) return error;
  const safe = new Error('a fault of the function; its log has the place');
  safe.name = error instanceof Error ? error.name : 'Error';
  safe.stack = `${safe.name}\n${(error instanceof Error ? (error.stack ?? '') : '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')}`;
  return safe;
}

/** @param write - where log lines and metrics go: the console of Lambda */
export function telemetry(
  functionName: string,
  environment: Readonly<Record<string, string | undefined>>,
  write?: (line: string) => void,
) {
  const serviceName = environment['PROVISO_SCHEDULE_GROUP'] ?? 'proviso';
  const toConsole = write === undefined ? {} : { logger: consoleTo(write) };
  const logger = new Logger({ serviceName, logLevel: 'INFO', persistentKeys: { function: functionName } });
  if (write !== undefined) Object.assign(logger, { console: consoleTo(write) });
  const metrics = new Metrics({ namespace: NAMESPACE, serviceName, ...toConsole });
  if (write !== undefined) Object.assign(metrics, { console: consoleTo(write) });

  return async (
    handle: Handle,
    event: unknown,
    services: Services,
    measure?: (result: unknown, services: Services, tookMs: number) => Promise<Figures>,
  ): Promise<unknown> => {
    const began = performance.now();
    const tookMs = (): number => Math.round(performance.now() - began);
    logger.resetKeys();
    const about = (event as { readonly exceptionId?: unknown } | null)?.exceptionId;
    if (typeof about === 'string' && isExceptionId(about)) logger.appendKeys({ exceptionId: about });
    const books = correlating(services, (correlationId) => logger.appendKeys({ correlationId }));
    const watched: Services = {
      ...services,
      store: books.store,
      recorder: {
        async record(told) {
          await books.recorder.record(told);
          const { type, subject, correlationId } = told;
          logger.info('recorded', {
            event: type,
            ...(isExceptionId(subject) ? { exceptionId: subject } : {}),
            ...(correlationId === undefined ? {} : { correlationId }),
          });
        },
      },
    };
    try {
      const result = await handle(event, watched);
      logger.info('done', { tookMs: tookMs() });
      const figures = (await measure?.(result, services, tookMs())) ?? {};
      for (const [name, value] of Object.entries(figures))
        metrics.addMetric(name, name === 'SweepDuration' ? MetricUnit.Milliseconds : MetricUnit.Count, value);
      return result;
    } catch (error) {
      const safe = safeError(error);
      logger.error('failed', {
        tookMs: tookMs(),
        fault: safe.name,
        ...(isOwn(error) ? { says: safe.message } : { at: safe.stack?.split('\n')[1]?.trim() }),
      });
      throw safe;
    } finally {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    }
  };
}

/** Every line, whatever its level, to one place. */
const consoleTo = (write: (line: string) => void): Console =>
  Object.assign(Object.create(console) as Console, {
    log: write,
    info: write,
    warn: write,
    error: write,
    debug: write,
  });
