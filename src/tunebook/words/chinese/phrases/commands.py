"""Messages about the ledger and the commands, in Chinese, by English template."""

from __future__ import annotations

__all__ = ["COMMANDS"]

COMMANDS = {
    "rows: this study recommends no configuration. Run it to its end, or raise its budget.": (
        "rows: 本研究没有推荐任何配置。请让它跑完，或提高预算。"
    ),
    "rows: found {n} training rows; parts of fewer than {fewest} say nothing. Give more rows.": (
        "rows: 有 {n} 条训练数据；少于 {fewest} 条时分档说明不了什么。请提供更多数据。"
    ),
    "rows: a part could not be trained: {why}": "rows: 有一档无法训练：{why}",
    (
        "class_weights: found balanced, and the {n} training rows have {answers} different answers; classes are at "
        "most {most} answers, each in several rows. Leave class_weights out."
    ): (
        "class_weights: 现为 balanced，而 {n} 条训练样本有 {answers} 种不同的答案；类别最多 {most} 种，"
        "每种要有多条样本。请不写 class_weights。"
    ),
    (
        "class_weights: found balanced, and each of the {answers} answers stands in equally many training rows, so "
        "that all weights are 1. Leave class_weights out."
    ): ("class_weights: 现为 balanced，而 {answers} 种答案的训练样本数都相同，因此权重全是 1。请不写 class_weights。"),
    (
        "metrics: found {name}; with engine {engine} the tokens of its texts are the program's own and are kept only "
        "where it decides. Put it first, or leave it out."
    ): (
        "metrics: 有 {name}；使用训练引擎 {engine} 时，文本的 token 由程序自己决定，只在它起决定作用时才保留。"
        "请把它写在第一个，或不写它。"
    ),
    "Nothing is lost: `tunebook run` goes on from here.": "没有丢失任何内容：`tunebook run` 会从这里继续。",
    "{what}. Fix that, then repeat the command.": "{what}。请解决后重复这条命令。",
    "Rescued {n} finished trials to {target}; {folder} is as it was.": (
        "已把 {n} 个完成的实验存到 {target}；{folder} 没有改动。"
    ),
    "Not readable, trained again by the next run: trials {numbers}.": "无法读取、下次运行会重新训练的实验：{numbers}。",
    "Go on with: {command}": "继续：{command}",
    "ok": "正常",
    "hint": "提示",
    "missing": "缺失",
    "device": "设备",
    "memory": "内存",
    "disk": "磁盘",
    "built-in model": "内置模型",
    "figures": "图",
    "Chinese font": "中文字体",
    "folder": "文件夹",
    "ledger": "账本",
    "file": "文件",
    "contents": "内容",
    "writer": "写入者",
    "running trials": "训练中的实验",
    "failed trials": "失败的实验",
    "attempts": "重新开始",
    "damage": "损坏",
    "rescue": "挽救",
    "adapters": "适配器",
    "{name}: got {value}; a budget is a number above 0. Give one, or leave {name} out.": (
        "{name}: 得到 {value}；预算是大于 0 的数。请给出一个，或不写 {name}。"
    ),
    (
        '--columns {said}: got no "="; it is the header of a column, "=", and what the column is. Write --columns '
        "'Step size=learning_rate'."
    ): ('--columns {said}：没有 "="；应当是列的表头、"=" 和该列的含义。请写成 --columns \'Step size=learning_rate\'。'),
    (
        "{target}: holds {name}, which tunebook did not write, and nothing is overwritten silently. Give another "
        "folder with --to, or --force."
    ): (
        "{target}: 里面有 {name}，不是 tunebook 写的，不会在没有说明的情况下覆盖。请用 --to 另选文件夹，或加 --force。"
    ),
    "{target}: is a file; an export is a folder. Give another place with --to.": (
        "{target}: 是文件；导出结果是文件夹。请用 --to 另选位置。"
    ),
    "{output}: exists already, and nothing is overwritten silently. Give --output or --force.": (
        "{output}: 文件已存在，不会在没有说明的情况下覆盖。请用 --output 另取名字，或加 --force。"
    ),
    "{output}: there is no folder {folder}. Make it first, or give another --output.": (
        "{output}: 没有文件夹 {folder}。请先建立它，或用 --output 另取位置。"
    ),
    "{output}: cannot be written ({strerror}). Name a file that can be made with --output.": (
        "{output}: 无法写入（{strerror}）。请用 --output 指定一个可以写入的文件。"
    ),
    (
        "{place}: {what}; the contents are not what tunebook wrote (a disk fault, or an edit by hand). Nothing was "
        "changed. See what can be rescued with `tunebook doctor --ledger`, or put a backup in its place."
    ): (
        "{place}: {what}；内容与 tunebook 写入的不同（磁盘故障，或手工修改）。没有改动任何内容。请用 `tunebook "
        "doctor --ledger` 查看哪些可以挽救，或恢复备份。"
    ),
    "table {table}, row {key}: the checksum does not match": "表 {table} 第 {key} 行：校验和不符",
    "{trials} trials, {examples} examples, {notes} notes": "{trials} 个实验，{examples} 条样本，{notes} 条备注",
    "The ledger is sound: {finished} of {trials} trials are finished.": (
        "账本完好：{trials} 个实验中有 {finished} 个已完成。"
    ),
    "{what}: a disk fault, or an edit by hand": "{what}: 磁盘故障，或手工修改",
    "the results of {trials} ({n} in all)": "{trials}的结果（共 {n} 个）",
    "`{command}` writes it there; the next run trains the rest.": (
        "`{command}` 会写到那里；下一次运行会训练其余部分。"
    ),
    "The ledger is damaged: finished trials that can be rescued: {n}.": "账本已损坏：可以挽救的已完成实验有 {n} 个。",
    "Results in the ledger do not need them; `best/` and `tunebook export` need the best configuration's.": (
        "账本里的结果不需要它们；`best/` 和 `tunebook export` 需要最优配置的适配器。"
    ),
    "{trials}: the adapter is missing": "{trials}: 缺少适配器",
    "trial {numbers}": "实验 {numbers}",
    "trials {numbers}": "实验 {numbers}",
    "{trials}: running when the run ended": "{trials}: 运行结束时还在训练",
    "`tunebook run` continues where it stopped.": "`tunebook run` 会从停下的地方继续。",
    "The record has the reasons; once they are fixed, `tunebook run --retry-failed` tries them again.": (
        "记录里有原因；解决之后，`tunebook run --retry-failed` 会再试一次。"
    ),
    "Put a backup in its place.": "请恢复备份。",
    "The ledger is damaged, and nothing can be rescued from it.": "账本已损坏，没有可以挽救的内容。",
    "the plan, but no result": "计划，但没有结果",
    "held by {who}": "由{who}占用",
    "{path}: no such file": "{path}: 没有这个文件",
    "Check the folder's name; `tunebook run` makes a ledger.": "请检查文件夹名；`tunebook run` 会建立账本。",
    "There is no ledger here.": "这里没有账本。",
    "{file}: consistent, every checksum matches": "{file}: 一致，所有校验和都相符",
    "Keep a copy of the folder before anything else.": "请先保留一份文件夹的副本。",
    "can be read whole: {what}": "可以完整读出：{what}",
    "The ledger cannot be read.": "无法读取账本。",
    "sound, but without a study: a run was stopped while it began": "完好，但没有研究：某次运行刚开始就停止了",
    "Run again.": "请再次运行。",
    "The ledger is sound and empty.": "账本完好，是空的。",
    "nobody holds the study": "没有进程占用这个研究",
    "{n} attempts were begun again after an interruption": "{n} 次训练在中断后重新开始",
    "and {n} more": "另有 {n} 处",
    "the study's own row cannot be read": "无法读取研究本身的记录",
    "all {n} are there": "{n} 个都在",
    "another process": "另一个进程",
    "process {pid} on host {host}, since {since}": "主机 {host} 上的进程 {pid}（自 {since}）",
    (
        "{folder}: held by {who}; a study has one writer at a time. Wait for it to end, or stop it; then run "
        "again. `tunebook status` reads without the lock."
    ): (
        "{folder}: 由{who}占用；一个研究同时只有一个写入者。请等它结束或停止它，再次运行。`tunebook status` 不需要锁。"
    ),
    "another process (it left no name)": "另一个进程（没有留下名字）",
    (
        "{place}: schema revision {revision}; this version of tunebook knows revisions up to {schema_revision}. "
        "The ledger was written by a newer version: install that one (`pip install --upgrade tunebook`)."
    ): (
        "{place}: 结构版本 {revision}；这一版 tunebook 只认识到 {schema_revision}。账本由更新的版本写成：请安装它"
        "（`pip install --upgrade tunebook`）。"
    ),
    (
        "{ledger_variable}: got an address that begins with {scheme!r}; must be "
        "postgresql://user:password@host/database. Correct it, or leave it empty to use the study folder."
    ): (
        "{ledger_variable}: 地址以 {scheme!r} 开头；必须是 postgresql://user:password@host/database。请改正，或留"
        "空以使用研究文件夹。"
    ),
    (
        "{place}: study {study!r} is held by {who}; a study has one runner at a time. Wait for it to end, or stop "
        "it; then run again."
    ): ("{place}: 研究 {study!r} 由{who}占用；一个研究同时只有一个运行者。请等它结束或停止它，再次运行。"),
    "{place}: a study's name is needed to write there. Open the ledger with study=NAME.": (
        "{place}: 在那里写入需要研究的名字。请用 study=NAME 打开账本。"
    ),
    (
        "{place}: the database has not answered for {waited:.0f} seconds ({first_line}). Nothing is lost. Check "
        "the address in TUNEBOOK_LEDGER, or run again when the database is back."
    ): (
        "{place}: 数据库已有 {waited:.0f} 秒没有回应（{first_line}）。没有丢失任何内容。请检查 TUNEBOOK_LEDGER 里"
        "的地址，或等数据库恢复后再运行。"
    ),
    "{place}: the database refuses ({first_line}). Check user, password and database in TUNEBOOK_LEDGER.": (
        "{place}: 数据库拒绝访问（{first_line}）。请检查 TUNEBOOK_LEDGER 里的用户、密码和数据库。"
    ),
    "{place}: the database is out of memory ({first_line}). Nothing is lost; run again later.": (
        "{place}: 数据库内存不足（{first_line}）。没有丢失任何内容；请稍后再运行。"
    ),
    "{place}: there is no ledger in this database yet. Start with `tunebook run`.": (
        "{place}: 这个数据库里还没有账本。请用 `tunebook run` 开始。"
    ),
    'A ledger in PostgreSQL needs the package psycopg: pip install "tunebook[postgres]"': (
        'PostgreSQL 账本需要软件包 psycopg：pip install "tunebook[postgres]"'
    ),
    (
        "TUNEBOOK_LEDGER: cannot be read as an address (it is not shown here, as it may hold a password); it is "
        "postgresql://user:password@host:port/database. Correct it."
    ): (
        "TUNEBOOK_LEDGER: 无法读作地址（因为可能含密码，这里不显示）；它应当是 "
        "postgresql://user:password@host:port/database。请改正。"
    ),
    "{place}: there is no ledger here yet. Start with `tunebook run`.": (
        "{place}: 这里还没有账本。请用 `tunebook run` 开始。"
    ),
    (
        "{value}: the study's own row cannot be read ({damage}); nothing can be rescued from it. Put a backup in "
        "its place."
    ): ("{value}: 无法读取研究本身的记录（{damage}）；没有可以挽救的内容。请恢复备份。"),
    "{target}: has a ledger already; a rescue never overwrites one. Name a new folder.": (
        "{target}: 已经有账本；挽救时不会覆盖任何账本。请另取一个新文件夹。"
    ),
    "there is no study in it": "里面没有研究",
    "{n} finished trials were planned with or after it and go with it": (
        "{n} 个已完成的实验与它同时或在它之后规划，因此一并失去"
    ),
    (
        "{place}: another process holds the file ({cause}); waited {busy_seconds:.0f} seconds. Close the program "
        "that has it open, then run again."
    ): ("{place}: 另一个进程占用着文件（{cause}）；已等待 {busy_seconds:.0f} 秒。请关闭打开它的程序，再次运行。"),
    (
        "{path}: there is no ledger here; a study has one as soon as it runs. Check the folder's name, or start "
        "the study with `tunebook run`."
    ): ("{path}: 这里没有账本；研究一旦运行就会有。请检查文件夹名，或用 `tunebook run` 开始研究。"),
    "{cause}; a quota or a limit on the size of files counts too": "{cause}；配额或文件大小的限制也算在内",
    "{place}: was opened for study {name!r}, not {other!r}. Open it again.": (
        "{place}: 是为研究 {name!r} 打开的，不是 {other!r}。请重新打开。"
    ),
    "{place}: was opened for reading. Open it with write=True to change it.": (
        "{place}: 是以只读方式打开的。要修改请用 write=True 打开。"
    ),
    "{place}: holds {n} studies ({names}); say which one is meant.": (
        "{place}: 有 {n} 个研究（{names}）；请说明是哪一个。"
    ),
    "{place}: study {old!r} cannot become {name!r}. Start a new one.": (
        "{place}: 研究 {old!r} 不能变成 {name!r}。请另起一个新研究。"
    ),
    "{place}: holds no study yet. Start it with `tunebook run`.": "{place}: 还没有研究。请用 `tunebook run` 开始。",
    "{place}: holds no study {name!r} yet. Start it with `tunebook run`.": (
        "{place}: 还没有研究 {name!r}。请用 `tunebook run` 开始。"
    ),
    (
        "{place}: holds study {name!r} already, with other settings; one study is created once. Choose another "
        "name for the new study."
    ): ("{place}: 已有研究 {name!r}，设置不同；一个研究只建立一次。请给新研究另取名字。"),
    "{place}: trial {trial_id} was never planned. `tunebook status` lists the trials.": (
        "{place}: 从未规划过实验 {trial_id}。`tunebook status` 会列出各实验。"
    ),
    "{folder}: nothing runs this study, so there is nothing to stop. Name a trial to cancel it.": (
        "{folder}: 没有进程在运行这个研究，因此没有可停止的。要取消某个实验，请给出它的编号。"
    ),
    "trial {trial_id}: not in this study. `tunebook status` shows its trials.": (
        "实验 {trial_id}：这个研究里没有。`tunebook status` 会列出各实验。"
    ),
    "trial {trial_id}: is {state} already; only a trial that has no result can be ended.": (
        "实验 {trial_id}：状态已是 {state}；只有还没有结果的实验可以结束。"
    ),
    (
        "trial {trial_id}: is a checkpoint of trial {checkpoint_of} and has no training of its own. `tunebook "
        "stop` that trial, which ends both."
    ): (
        "实验 {trial_id}：它是实验 {checkpoint_of} 的检查点，自己不训练。请用 `tunebook stop` 停止那个实验，两者"
        "会一起结束。"
    ),
    (
        "{key}: found `{code}`, which would run with your rights and which you have not confirmed on this machine, "
        "or which has changed since. Read it. If you trust it, run the same command in a terminal and answer yes, "
        "or give --trust-study-code (in Python: Study.load(..., trust_study_code=True))."
    ): (
        "{key}: 现为 `{code}`，它会以您的权限运行，而您还没有在这台机器上确认过它，或者它在确认之后改变了。请先阅"
        "读它。如果信任它，请在终端里运行同样的命令并回答 yes，或加 --trust-study-code（在 Python 里："
        "Study.load(..., trust_study_code=True)）。"
    ),
    "{free:.1f} GiB free": "{free:.1f} GiB 可用",
    "{free:.1f} GiB free in {folder}": "{folder} 里有 {free:.1f} GiB 可用",
    "{names}; no GPU": "{names}；没有 GPU",
    "Works here; a CUDA build of torch on a GPU is faster.": "可以运行；在 GPU 上用 CUDA 版的 torch 更快。",
    "Close other programs, or choose a smaller model.": "请关闭其他程序，或选择更小的模型。",
    "Adapters and the ledger need room; free some.": "适配器和账本需要空间；请腾出一些。",
    "not installed": "没有安装",
    "{module} is not installed ({why})": "{module} 没有安装（{why}）",
    "none; figures of Chinese records keep English labels": "没有；中文记录的图会保留英文标签",
    "Install one, such as the package fonts-noto-cjk.": "请安装一个，例如软件包 fonts-noto-cjk。",
    "{folder} can be written and locked": "{folder} 可以写入和加锁",
    "{folder}: there is no {ledger_file} in it. Name the folder of a study (runs/<study>).": (
        "{folder}: 里面没有 {ledger_file}。请给出研究的文件夹（runs/<study>）。"
    ),
    "{folder}: {why} There is nothing to rescue. To keep a copy, copy the folder.": (
        "{folder}: {why}没有需要挽救的内容。要保留副本，请复制文件夹。"
    ),
    "{target}: is there already; a rescue never overwrites anything. Name a new folder.": (
        "{target}: 已经存在；挽救时不会覆盖任何内容。请另取一个新文件夹。"
    ),
    "reads the built-in model": "读取内置模型",
    "base models in 4 or 8 bits, optimisers in 8": "4 位或 8 位的底座模型，8 位的优化器",
    "a ledger for several machines": "供多台机器使用的账本",
    "smollm2, ready": "smollm2，可以使用",
    "smollm2, converted at first use (about 30 s)": "smollm2，首次使用时转换（约 30 秒）",
    "matplotlib cannot be used ({kind}: {error}); records have no figures": (
        "matplotlib 不能用（{kind}：{error}）；记录里没有图"
    ),
    "{folder} cannot be written or locked ({error})": "{folder} 无法写入或加锁（{error}）",
    "Choose a local folder.": "请选择本地文件夹。",
    "engine: found {name}; {reasons}. Use another engine or another model.": (
        "engine: 现为 {name}；{reasons}。请换用别的训练引擎或模型。"
    ),
    "engine {name}: {reason}": "训练引擎 {name}：{reason}",
    "{key}: no engine can train this ({reasons}). Change it, or name another engine.": (
        "{key}: 没有训练引擎能训练它（{reasons}）。请改动它，或指定别的训练引擎。"
    ),
    "engine {name} cannot run this model: {why}": "训练引擎 {name} 不能运行这个模型：{why}",
    "{source}: a link; an adapter lies in the study folder itself. Put the folder in its place.": (
        "{source}: 这是链接；适配器应当在研究文件夹里。请把文件夹本身放到那里。"
    ),
    "format: found {form!r}; must be one of {formats}. Choose one of them.": (
        "format: 现为 {form!r}；必须是以下之一：{formats}。请选择其中一个。"
    ),
    (
        "{path}: no such file or folder. A study is its file (study.yaml) or the folder that a run has made "
        "(runs/<study>). `tunebook init DATA` writes a study file for a dataset."
    ): (
        "{path}: 没有这个文件或文件夹。研究是它的文件（study.yaml），或运行时建立的文件夹（runs/<study>）。"
        "`tunebook init DATA` 会为数据集写出研究文件。"
    ),
    "{path}: not a valid path ({strerror}). Give a study file or folder.": (
        "{path}: 不是有效的路径（{strerror}）。请给出研究文件或文件夹。"
    ),
    (
        "{path}: found a folder without {ledger_file}. A study is its file (study.yaml) or the folder that a run "
        "has made (runs/<study>). Give one of these; for a study in PostgreSQL set TUNEBOOK_LEDGER as for its run."
    ): (
        "{path}: 这个文件夹里没有 {ledger_file}。研究是它的文件（study.yaml），或运行时建立的文件夹（runs/<study>"
        "）。请给出其中之一；研究在 PostgreSQL 里时，请像运行时一样设置 TUNEBOOK_LEDGER。"
    ),
    (
        "prior: found {prior}, which has trained trials at fewer than {fewest_prior_rates} learning rates and "
        "cannot say where to look. Leave the key out."
    ): ("prior: 现为 {prior}，它训练过的学习率不到 {fewest_prior_rates} 个，不能说明该看哪里。请删除这个键。"),
    (
        "quantization: found {quantization}, but engine {engine} does not load the model itself. Set it in your "
        "own program and take the line out."
    ): (
        "quantization: 现为 {quantization}，但训练引擎 {engine} 不自己加载模型。请在您自己的程序里设置，并删除这一行。"
    ),
    (
        "{folder}: this study has not been run yet; there is no ledger. `tunebook plan` shows what it would do, "
        "`tunebook run` starts it."
    ): ("{folder}: 这个研究还没有运行过，没有账本。`tunebook plan` 会显示它要做什么，`tunebook run` 开始运行。"),
    "the ledger holds no study yet. `tunebook run` starts it.": "账本里还没有研究。`tunebook run` 会开始它。",
    (
        "{trials}: the table is not the one the study was begun with (it had {n_old} rows, now it has {n_new}, or "
        "other values in them). Its rows are what the study asks. Restore the file, or give the study another name."
    ): (
        "{trials}: 表格与研究开始时的不同（原有 {n_old} 行，现有 {n_new} 行，或值有改动）。研究要回答的就是表中各"
        "行。请恢复文件，或给研究另起名字。"
    ),
    "trial {trial} could not be trained: {reason}": "实验 {trial} 无法训练：{reason}",
    "no result came": "没有结果",
    "{path}: not a request that tunebook wrote. Remove the file.": "{path}: 不是 tunebook 写的请求。请删除该文件。",
    "trial {trial}: not in this study. `tunebook status` shows its trials.": (
        "实验 {trial}：这个研究里没有。`tunebook status` 会列出各实验。"
    ),
    "trial {trial}: nothing to keep. Give a text, or tags with --tag.": (
        "实验 {trial}：没有要保存的内容。请给出文字，或用 --tag 给出标签。"
    ),
    "--seeds {n}: this configuration can have 1 to {left} further seeds of your own.": (
        "--seeds {n}：这个配置还可以有 1 到 {left} 个您自己的种子。"
    ),
    (
        "compare: a has {n_a} examples and b {n_b}; both are scored on the same ones, in the same order. Leave out "
        "what only one of them has."
    ): ("compare: a 有 {n_a} 个样本，b 有 {n_b} 个；两者要按同样的顺序在同样的样本上评分。请去掉只有一方才有的样本。"),
    "compare: {name} has shape {shape}; it is (seeds, examples). Give one row a run.": (
        "compare: {name} 的形状是 {shape}；应当是（种子, 样本）。请每次运行一行。"
    ),
    "compare: {name} has scores outside [0, 1], or nan. Scale them, or leave such runs out.": (
        "compare: {name} 有 [0, 1] 之外的分数或 nan。请缩放它们，或去掉这样的运行。"
    ),
    "What was written before is safe; the last step was not written.": "之前写入的内容是安全的；最后一步没有写入。",
}
