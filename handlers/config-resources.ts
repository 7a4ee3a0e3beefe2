import { evaluateResource, MalformedConfigEvent, parseConfigEvent } from '../src/compliance/index.ts';
import type { Services } from '../src/enforcement/index.ts';
import { lambda } from './lambda.ts';

/** Target of the AWS Config rule that is triggered by changes: reports one resource, by what AWS shows now. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const read = parseConfigEvent(event);
  if (!read.ok) throw new MalformedConfigEvent(read.error);
  if (read.value.kind !== 'change')
    throw new MalformedConfigEvent(
      'the rule of the resources is triggered by changes, and was sent a schedule',
    );
  const { accountId, region, resultToken, isTest } = read.value;
  const evaluation = await evaluateResource(services, read.value);
  await services.reports.put({ accountId, region }, [evaluation], { resultToken, isTest });
  return { compliance: evaluation.compliance, annotation: evaluation.annotation };
}

export const handler = lambda(handle);
