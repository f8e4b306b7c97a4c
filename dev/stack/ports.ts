import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** Below the range of outgoing connections, one of which could take the port before the caller does. */
const LOWEST = 10_240;
const HIGHEST = 32_767;

/** Finds a free TCP port. Random among 20,000, because another process could take it before the caller does. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (!(await portTaken(port))) return port;
  }
};

/** Whether a process listens on the port. Finds out by listening for a moment. */
export const portTaken = async (port: number): Promise<boolean> =>
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen(port, LOOPBACK, () => server.close(() => resolve(false)));
  });

/** Whether the port accepts connections. Unlike `portTaken`, this never occupies the port. */
export const portAnswers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Waits until no process listens on the port. @throws Error after a timeout. */
export const portFreed = async (port: number, milliseconds: number): Promise<void> => {
  const deadline = Date.now() + milliseconds;
  while (await portTaken(port)) {
    if (Date.now() > deadline) throw new Error(`port ${port} is taken`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
