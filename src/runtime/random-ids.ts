import { randomInt } from 'node:crypto';
import type { Ids } from '../core/index.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Ids from the operating system's random source. */
export const randomIds: Ids = {
  next(length) {
    let text = '';
    for (let index = 0; index < length; index++) text += ALPHABET[randomInt(ALPHABET.length)];
    return text;
  },
};
