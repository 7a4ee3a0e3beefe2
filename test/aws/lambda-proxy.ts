import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

export type Invoke = (functionName: string, event: unknown) => Promise<unknown>;

export interface LambdaProxy {
  close(): Promise<void>;
}

const INVOCATION = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;

/**
 * Stands where moto's Step Functions looks for AWS: an invocation of a Lambda function is answered by `invoke`, in this process and
 * without Docker; everything else goes on to moto.
 */
export function startLambdaProxy(port: number, motoUrl: () => string, invoke: Invoke): Promise<LambdaProxy> {
  const server: Server = createServer((incoming, outgoing) => {
    const [, name] = INVOCATION.exec(incoming.url ?? '') ?? [];
    if (name === undefined) forward(motoUrl(), incoming, outgoing);
    else void answer(decodeURIComponent(name), incoming, outgoing, invoke);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () =>
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) }),
    );
  });
}

async function answer(
  name: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  invoke: Invoke,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const functionName = name.split(':function:').at(-1) ?? name;
  try {
    const result = await invoke(functionName, text === '' ? {} : JSON.parse(text));
    outgoing.writeHead(200, { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' });
    outgoing.end(JSON.stringify(result ?? null));
  } catch (error) {
    const { name: errorType, message: errorMessage } = error as Error;
    outgoing.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' });
    outgoing.end(JSON.stringify({ errorType, errorMessage, trace: [] }));
  }
}

function forward(base: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const onward = request(new URL(incoming.url ?? '/', base), {
    method: incoming.method,
    headers: { ...incoming.headers, host: new URL(base).host },
  });
  onward.on('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
  });
  onward.on('error', () => outgoing.writeHead(502).end());
  incoming.pipe(onward);
}
