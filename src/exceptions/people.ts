import * as z from 'zod';
import {
  err,
  isPrincipalId,
  ok,
  type Problem,
  parseSourceDocument,
  principalId,
  type Result,
} from '../core/index.ts';
import { problemsOf } from '../policy/index.ts';
import type { Person } from './types.ts';

const peopleSchema = z.strictObject({
  kind: z.literal('People'),
  schemaVersion: z.literal(1),
  people: z
    .array(
      z.strictObject({
        id: z
          .string()
          .refine(isPrincipalId, 'expected an id of letters, digits, `.`, `_` and `-`')
          .describe('immutable id; never reused'),
        name: z.string().trim().min(1).max(200),
        roles: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)).default([]),
        active: z.boolean().default(true),
      }),
    )
    .min(1),
});

/** Reads `people.yaml`: who exists on one machine, and their roles. In AWS the Identity Store takes its place. */
export function parsePeople(text: string, file: string): Result<readonly Person[], readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const parsed = peopleSchema.safeParse(document.value.value);
  if (!parsed.success) return err(problemsOf(document.value, parsed.error, peopleSchema));
  // Ids that differ only in case would be one person to a reader and two to a quorum.
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, person] of parsed.data.people.entries()) {
    const key = person.id.toLowerCase();
    if (seen.has(key)) {
      problems.push(
        document.value.problemAt(
          ['people', index, 'id'],
          'duplicate-id',
          `\`${person.id}\` stands twice`,
          'give each person one id, different in more than case',
        ),
      );
    }
    seen.add(key);
  }
  if (problems.length > 0) return err(problems);
  return ok(
    parsed.data.people.map((person) => ({
      id: principalId(person.id),
      name: person.name,
      roles: person.roles,
      isActive: person.active,
    })),
  );
}
