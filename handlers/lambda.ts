import type { Services } from '../src/enforcement/index.ts';
import type { Handle } from './index.ts';

let composed: Promise<Services> | undefined;

/** Imported here and not above, so that the embedded runtime, which uses the same handlers, never loads the clients of AWS. */
const compose = (): Promise<Services> =>
  import('../src/compose-aws.ts').then(({ awsServices }) => awsServices(process.env));

// In Lambda the composition belongs to the initialization, which is faster and not billed twice. What fails there fails again,
// and is reported, at the invocation.
if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) {
  composed = compose();
  composed.catch(() => {
    composed = undefined;
  });
}

/** What Lambda calls: the function over services that are composed once per container from its environment. */
export const lambda =
  (handle: Handle) =>
  async (event: unknown): Promise<unknown> => {
    composed ??= compose();
    return handle(event, await composed);
  };
