import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { openApiText } from '../src/api/index.ts';

/* Writes docs/openapi.json from the table of operations. test/api/openapi.test.ts tells when it is not current. */

export const OPENAPI_FILE = join(import.meta.dirname, '..', 'docs', 'openapi.json');
export const currentOpenApi = (): string => openApiText(manifest.version);

if (import.meta.main) writeFileSync(OPENAPI_FILE, currentOpenApi());
