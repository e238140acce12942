// Calls @nktkas/hyperliquid as told on standard input: a JSON line in, a JSON line out.
//
// The first line names the venue and the keys: {"url", "ws", "keys": {name: key}}. Then {"id", "client", "method", "params"},
// where a client is "info", "info.ws", a key's name, a key's name with ".ws", or "subscription"; the reply to the latter
// is a number of a stream, from which {"id", "take": number, "count"} waits for frames. {"id", "methods": client} names
// what a client can do: true for methods that take parameters.
import { createInterface } from "node:readline";
import { ExchangeClient, HttpTransport, InfoClient, SubscriptionClient, WebSocketTransport } from "@nktkas/hyperliquid";
import { Wallet } from "ethers";
import { WebSocket } from "ws";

globalThis.WebSocket ??= WebSocket; // Node before 22 has none of its own

const clients = new Map();
const streams = [];
let socket;

function open({ url, ws, keys }) {
  const http = new HttpTransport({ apiUrl: url, isTestnet: true });
  socket = new WebSocketTransport({ url: ws, isTestnet: true });
  clients.set("info", new InfoClient({ transport: http }));
  clients.set("info.ws", new InfoClient({ transport: socket }));
  clients.set("subscription", new SubscriptionClient({ transport: socket }));
  for (const [name, key] of Object.entries(keys)) {
    const wallet = new Wallet(key);
    clients.set(name, new ExchangeClient({ transport: http, wallet, signatureChainId: "0x66eee" }));
    clients.set(`${name}.ws`, new ExchangeClient({ transport: socket, wallet, signatureChainId: "0x66eee" }));
  }
}

async function listen(client, { method, params }) {
  const stream = { frames: [], wake: () => {} };
  await client[method](...params, (frame) => {
    stream.frames.push(frame);
    stream.wake();
  });
  return streams.push(stream) - 1;
}

async function take({ take: number, count }) {
  const stream = streams[number];
  while (stream.frames.length < count) await new Promise((resolve) => (stream.wake = resolve));
  return stream.frames.splice(0, count);
}

function methods(client) {
  const prototype = Object.getPrototypeOf(client);
  const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
  return Object.fromEntries(names.map((name) => [name, prototype[name].length > 1]));
}

async function answer(call) {
  if (call.take !== undefined) return await take(call);
  if (call.methods !== undefined) return methods(clients.get(call.methods));
  const client = clients.get(call.client);
  if (call.client === "subscription") return await listen(client, call);
  return await client[call.method](...call.params);
}

function tell(reply) {
  process.stdout.write(JSON.stringify(reply) + "\n");
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  if (call.url !== undefined) {
    open(call);
    continue;
  }
  answer(call).then(
    (value) => tell({ id: call.id, value: value ?? null }),
    (error) => tell({ id: call.id, error: `${error.name}: ${error.message}` }),
  );
}
await socket.close();
