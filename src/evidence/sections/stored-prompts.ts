import * as z from 'zod';
import type { EpochMs } from '../../core/index.ts';
import { instant, name } from '../schema-parts.ts';
import { section } from './section.ts';

/** A prompt of Prompt management. Its text is never read. */
export interface StoredPrompt {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  readonly updatedAt: EpochMs;
}

export const storedPrompts = section<readonly StoredPrompt[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ arn: name, name, version: name, updatedAt: instant })),
  actions: { 'bedrock:ListPrompts': 'prompts of Prompt management: names and times, never their text' },
  meaning: 'prompts of Prompt management: ARN, name, version, time of the last change',
});
