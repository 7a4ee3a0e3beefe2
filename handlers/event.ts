import * as z from 'zod';
import { exceptionId, isExceptionId, parseInstant } from '../src/core/index.ts';

/** What every exception task receives. Unknown fields are ignored: an older execution may still send them. */
export const exceptionEvent = z.object({
  exceptionId: z.string().refine(isExceptionId, 'not an exception id').transform(exceptionId),
});

export const instantField = z.string().transform((text, context) => {
  const read = parseInstant(text);
  if (read.ok) return read.value;
  context.addIssue({ code: 'custom', message: read.error });
  return z.NEVER;
});
