import * as z from 'zod';
import type { EpochMs } from '../../core/index.ts';
import { instant, name } from '../schema-parts.ts';
import { section } from './section.ts';

/** A session of the Bedrock session management API: a store for the steps of a conversation. Its metadata and steps are not read. */
export interface BedrockSession {
  readonly id: string;
  /** `ACTIVE`, `EXPIRED` or `ENDED`, as AWS spells it; an expired or ended one still holds what was put into it until it is deleted. */
  readonly status: string;
  readonly createdAt: EpochMs;
  readonly lastUpdatedAt: EpochMs;
}

export const bedrockSessions = section<readonly BedrockSession[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ id: name, status: name, createdAt: instant, lastUpdatedAt: instant })),
  actions: { 'bedrock:ListSessions': 'sessions, which store the steps of conversations: ids and times only' },
  meaning: 'sessions of the Bedrock session management API: ids, status and times',
});
