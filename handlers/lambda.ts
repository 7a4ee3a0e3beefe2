import type { Services } from '../src/enforcement/index.ts';
import type { Handle } from './index.ts';
import type { Figures } from './telemetry.ts';

/** Imported here and not above, so that the embedded runtime, which uses the same handlers, loads neither the clients of AWS nor Powertools. */
const compose = async () => {
  const [{ awsServices }, { telemetry }] = await Promise.all([
    import('../src/compose-aws.ts'),
    import('./telemetry.ts'),
  ]);
  const group = process.env['PROVISO_SCHEDULE_GROUP'] ?? '';
  const name = (process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'local').replace(`${group}-`, '');
  return { services: awsServices(process.env), observe: telemetry(name, process.env) };
};
let composed: ReturnType<typeof compose> | undefined;

// In Lambda the composition belongs to the initialization, which is faster and not billed twice. What fails there fails again,
// and is reported, at the invocation. Waited for, because what is not imported when the initialization ends is imported in the invocation.
if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) {
  composed = compose();
  await composed.catch(() => {
    composed = undefined;
  });
}

/**
 * What Lambda calls: the function over services that are composed once per container from its environment, with its logs, metrics and
 * traces around it.
 *
 * @param measure - figures for metrics, after the function has succeeded
 */
export const lambda =
  (handle: Handle, measure?: (result: unknown, services: Services, tookMs: number) => Promise<Figures>) =>
  async (event: unknown): Promise<unknown> => {
    composed ??= compose();
    const { services, observe } = await composed;
    return observe(handle, event, services, measure);
  };
