"use strict";
// Shows the stream of views as they arrive. Owns nothing, asks for nothing: reading only.

const STATES = ["green", "yellow", "reduce only", "cancel only", "killed"];
const byId = (id) => document.getElementById(id);
const fixed = (x, digits) => (x === null || !Number.isFinite(x) ? "–" : x.toFixed(digits));
const usd = (x, digits = 2) => (x === null || !Number.isFinite(x) ? "–" : x.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const price = (x) => (x ? String(+x.toPrecision(7)) : "–");
const equity = [];

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function facts(view) {
  const b = view.budget;
  const rows = [
    ["equity USD", usd(view.equity_usd)], ["since start USD", usd(view.equity_usd - view.start_equity_usd - view.run_transfers_usd)],
    ["free collateral", usd(view.free_collateral_usd)], ["margin used", usd(view.margin_used_usd)],
    ["permit left s", fixed(view.permit_left_s, 1)], ["orders open", view.orders_open], ["fills", view.fills],
    ["volume USD", usd(view.volume_usd, 0)],
    ["tick to wire p50 / p99 ms", `${fixed(view.latency.p50_us / 1e3, 2)} / ${fixed(view.latency.p99_us / 1e3, 1)} of ${view.latency.count}`],
    ["actions today", `${b.day_used} / ${b.day_cap || "∞"}`], ["action price USD", fixed(b.action_price_usd, 5)], ["watchdog heard s ago", fixed(view.watchdog_age_s, 1)],
  ];
  byId("facts").replaceChildren(...rows.map(([name, value]) => {
    const box = element("div");
    box.append(element("b", value), element("span", name));
    return box;
  }));
}

function curve(value) {
  equity.push(value);
  if (equity.length > 2400) equity.shift();
  const low = Math.min(...equity), high = Math.max(...equity), span = high - low || 1;
  const d = equity.map((y, i) => `${i ? "L" : "M"}${(600 * i) / Math.max(1, equity.length - 1)},${76 - (72 * (y - low)) / span}`).join("");
  byId("curve").firstElementChild.setAttribute("d", d);
  byId("curve-low").textContent = usd(low);
  byId("curve-high").textContent = usd(high);
}

function inventory(coin) {
  const cell = element("td", `${usd(coin.inventory_usd, 0)} USD`);
  const bar = element("div", undefined, "inventory"), fill = element("i");
  const share = Math.min(1, Math.abs(coin.inventory_usd) / (coin.limit_usd || 1)) * 50;
  fill.className = coin.inventory_usd < 0 ? "short" : "";
  fill.style.left = coin.inventory_usd < 0 ? `${50 - share}%` : "50%";
  fill.style.width = `${share}%`;
  bar.append(fill);
  bar.title = `limit ±${usd(coin.limit_usd, 0)} USD, target ${usd(coin.target_usd, 0)} USD`;
  cell.append(bar);
  return cell;
}

function made(side, name) {
  const line = element("div", undefined, "items");
  line.append(element("span", name, "side"));
  if (!side.px.length) { line.append(element("span", side.reason_text || side.reason, "why")); return line; }
  line.append(element("b", side.items_bps.reduce((sum, [, bps]) => sum + bps, 0).toFixed(2)), element("span", "bps ="));
  for (const [name, bps] of side.items_bps) if (Math.abs(bps) >= 0.005) {
    const item = element("span", `${name.replaceAll("_", " ")} `);
    item.append(element("b", bps.toFixed(2)));
    line.append(item);
  }
  return line;
}

function row(coin) {
  const tr = element("tr");
  const pnl = Object.values(coin.pnl).reduce((a, b) => a + b, 0) / 1e8;
  const share = coin.quoting_s > 0 ? (100 * coin.two_sided_s) / coin.quoting_s : NaN;
  const quotes = element("td");
  quotes.append(made(coin.sides[0], "bid"), made(coin.sides[1], "ask"));
  tr.append(element("td", coin.coin), element("td", price(coin.sides[0].px[0]), "n"), element("td", price(coin.fair_px), "n"),
    element("td", price(coin.sides[1].px[0]), "n"), inventory(coin), element("td", fixed(coin.sigma_bps, 2), "n"), element("td", coin.fills, "n"),
    element("td", fixed(pnl, 2), `n ${pnl < 0 ? "neg" : "pos"}`), element("td", Number.isFinite(share) ? `${share.toFixed(0)} %` : "–", "n"), quotes);
  tr.dataset.coin = coin.coin;
  return tr;
}

function show({ view, readiness }) {
  const badge = byId("state");
  badge.textContent = STATES[view.risk_state];
  badge.dataset.state = view.risk_state;
  byId("account").textContent = `${view.account} · ${view.mode} · run ${view.run}`;
  byId("reasons").replaceChildren(...readiness.reasons.map((text) => element("li", text)));
  facts(view);
  const a = view.allocation;
  byId("allocation").textContent = [`allocation: ${a.status}, ${fixed(a.solve_ms, 0)} ms`, ...a.binding].join(" · ");
  curve(view.equity_usd);
  byId("coins").replaceChildren(...view.coins.map(row));
}

const stream = new EventSource("/api/stream");
stream.onmessage = (event) => show(JSON.parse(event.data));
stream.onerror = () => {
  byId("state").textContent = "connection lost, trying again";
  byId("state").dataset.state = "lost";
};
