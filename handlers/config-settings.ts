import { evaluateSettings, MalformedConfigEvent, parseConfigEvent } from '../src/compliance/index.ts';
import type { Services } from '../src/enforcement/index.ts';
import { lambda } from './lambda.ts';

/**
 * Target of the periodic AWS Config rule: detector 4. Reports the two settings of the rule's account and Region, also when switching off
 * failed: what is on is reported as it is, and then the invocation fails.
 */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const read = parseConfigEvent(event);
  if (!read.ok) throw new MalformedConfigEvent(read.error);
  if (read.value.kind !== 'scheduled')
    throw new MalformedConfigEvent('the rule of the settings is periodic, and was sent a change');
  const { accountId, region, at, resultToken, isTest } = read.value;
  const pair = { accountId, region };
  const { evaluation, fault } = await evaluateSettings(services, pair, at);
  await services.reports.put(pair, [evaluation], { resultToken, isTest });
  if (fault !== undefined) throw fault;
  return { compliance: evaluation.compliance, annotation: evaluation.annotation };
}

export const handler = lambda(handle);
