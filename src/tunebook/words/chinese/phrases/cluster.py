"""Executor `ray`, in Chinese."""

from __future__ import annotations

__all__ = ["CLUSTER"]

CLUSTER = {
    "trials on the machines of a Ray cluster": "在 Ray 集群的机器上训练",
    "executor ray needs the package ray. Install it with `{command}`.": (
        "执行器 ray 需要软件包 ray。请用 `{command}` 安装。"
    ),
    (
        "executor: found ray:{found}; the part after the colon is the largest number of workers, a whole "
        "number above 0. Correct it, or leave it out."
    ): "executor: 找到的是 ray:{found}；冒号后面是工作进程数的上限，须为大于 0 的整数。请改正，或省略。",
    "executor: found {name}:{found}; {name} takes nothing after its name. Leave it out.": (
        "executor: 找到的是 {name}:{found}；{name} 后面不接任何内容。请去掉。"
    ),
    (
        "the Ray cluster at {address} has no node for a worker, which needs {gpus} GPUs and {cpus} processors "
        "by the study's device. Add nodes, or name a number of workers (ray:8) if it grows by itself."
    ): (
        "{address} 处的 Ray 集群没有可容纳工作进程的节点；按研究的 device，每个工作进程需要 {gpus} 个 GPU 和 {cpus} "
        "个处理器。请增加节点；如果集群会自动扩展，请写明工作进程数（ray:8）。"
    ),
    (
        "the Ray cluster at {address} has not answered for {seconds:.0f} seconds. Is it running, and is {variable} "
        "right? `ray status` tells. Run again when it is there; nothing is lost."
    ): (
        "{address} 处的 Ray 集群 {seconds:.0f} 秒没有应答。它在运行吗？{variable} 对吗？可用 `ray status` 查看。"
        "集群就绪后请再次运行；没有丢失任何内容。"
    ),
    "has ended the connection": "断开了连接",
    "has not answered for {seconds:.0f} seconds": "{seconds:.0f} 秒没有应答",
    (
        "the Ray cluster at {address} {what}: its head may be gone (the last that was heard: {printed}). Every "
        "result that was told is kept. Run again when the cluster is there; the study goes on."
    ): (
        "{address} 处的 Ray 集群{what}：其主节点可能已不在（最后的输出：{printed}）。已报告的结果均已保存。"
        "集群就绪后请再次运行，研究会继续。"
    ),
    (
        "the Ray cluster has no node that can be used ({told}). Nodes need the runner's versions, and the model in "
        "the same folder. Correct this on at least one node, then run again."
    ): (
        "Ray 集群没有可用的节点（{told}）。各节点的软件版本须与运行研究的机器相同，模型须在同一文件夹中。"
        "请修正后再次运行。"
    ),
    "an adapter could not be written ({error}). Mend that, then run again.": (
        "适配器无法写入（{error}）。请修正后再次运行。"
    ),
    (
        "{variable}: found {address}, which is Ray's client server. Run tunebook on a machine of the cluster, with "
        "auto or HOST:PORT of the head."
    ): (
        "{variable}: 找到的是 {address}，这是 Ray 的客户端服务器。请在集群的一台机器上运行 tunebook，并使用 auto "
        "或主节点的 HOST:PORT。"
    ),
    (
        "the Ray cluster at {address} cannot be used ({kind}: {error}). tunebook starts no cluster: start one, set "
        "{variable} to its address and Ray's token as it asks, and run again."
    ): (
        "{address} 处的 Ray 集群无法使用（{kind}：{error}）。tunebook 不启动集群：请启动一个，把 {variable} "
        "设为其地址，并按要求设置 Ray 的令牌，然后再次运行。"
    ),
    (
        "the Ray cluster at {head} asks for no token: whoever reaches it can run programs on it. Start it with "
        "RAY_AUTH_MODE=token, or set {variable}=1 if its network is closed."
    ): (
        "{head} 处的 Ray 集群不要求令牌：任何能访问它的人都能在其上运行程序。请以 RAY_AUTH_MODE=token 启动；"
        "如果其网络是封闭的，请设置 {variable}=1。"
    ),
    (
        "dtype: found auto, but with executor {executor} the GPU is another machine's and is not known yet. Name "
        "bfloat16 or float16."
    ): "dtype: 找到的是 auto，但使用执行器 {executor} 时 GPU 在别的机器上，尚不知道。请写明 bfloat16 或 float16。",
    (
        "device: found {found!r}, but the executor computes on other machines. Name the kind of device that each "
        "worker has there: cuda, cpu, or cpu:N for an N-th of this machine's number of processors."
    ): (
        "device: 找到的是 {found!r}，但该执行器在别的机器上计算。请写明每个工作进程在那里的设备种类：cuda、cpu，"
        "或 cpu:N（本机处理器数的 N 分之一）。"
    ),
}
