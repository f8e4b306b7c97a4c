import { createServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** A TCP port that nobody listens on right now. Another process may take it before the caller does. */
export const freePort = async (): Promise<number> =>
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** Whether somebody already listens on the port, asked by trying to. */
export const portTaken = async (port: number): Promise<boolean> =>
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen(port, LOOPBACK, () => server.close(() => resolve(false)));
  });

/** Waits until nobody listens on the port. Throws when somebody still does after the given milliseconds. */
export const portFreed = async (port: number, milliseconds: number): Promise<void> => {
  const deadline = Date.now() + milliseconds;
  while (await portTaken(port)) {
    if (Date.now() > deadline) throw new Error(`port ${port} is taken`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
