// Keeps an open page up to date. Without it the page is still complete, and reloads every 30 s.
"use strict";
(() => {
  const connection = document.getElementById("connection");
  let loading = false, again = false;

  const load = async () => {
    if (loading) { again = true; return; }
    loading = true;
    try {
      const answer = await fetch(location.pathname, {cache: "no-store"});
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.getElementById("main");
      const focused = main.contains(document.activeElement);
      if (!focused && !String(getSelection())) main.replaceWith(fresh.getElementById("main"));
      else again = false;
      document.title = fresh.title;
      tick();
    } catch { /* the event stream says when the connection is back */ }
    loading = false;
    if (again) { again = false; load(); }
  };

  const span = (s) => {
    if (s < 60) return Math.floor(s) + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    if (s < 172800) return Math.floor(s / 3600) + " h";
    return Math.floor(s / 86400) + " days";
  };

  const tick = () => {
    const now = Date.now();
    for (const t of document.querySelectorAll("time[data-live]")) {
      t.textContent = "(" + span(Math.max(0, (now - new Date(t.dateTime)) / 1000)) + " ago)";
    }
    for (const t of document.querySelectorAll("time[data-countdown]")) {
      const left = (new Date(t.dateTime) - now) / 1000;
      t.textContent = left > 0 ? "in " + span(left + 1) : "now";
    }
  };

  const events = new EventSource("api/v1/events");
  events.onopen = () => { connection.textContent = "updates automatically"; load(); };
  events.onmessage = load;
  events.onerror = () => { connection.textContent = "reloader does not answer; this page is out of date"; };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { load(); } });
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  tick();
})();
